package examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import nacre.diffusion.text.ClipTokenizer;
import nacre.evaluation.threedit.EditPairBatches;
import nacre.evaluation.threedit.ObjectWords;
import nacre.evaluation.threedit.ThreeDitConfig;
import nacre.evaluation.threedit.ThreeDitFile;
import nacre.evaluation.threedit.ThreeDitFolder;
import nacre.evaluation.threedit.ThreeDitTrainer;
import nacre.neuralassets.data.ClipLocation;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;
import nacre.tensor.Device;

/**
 * Trains 3DIT as it was published on OBJect: {@code MODEL DATA DESCRIPTIONS.json BATCH STEPS OUT}.
 * It begins with a folder, or with a file of Zero-1-to-3 or Stable Diffusion 1.x. Started again
 * with more steps, it goes on where it ended.
 */
public final class TrainThreeDit {
  public static void main(String[] args) throws IOException {
    Path model = Path.of(args[0]);
    boolean isFolder = Files.isDirectory(model);
    ThreeDitConfig config = isFolder ? ThreeDitFolder.config(model) : ThreeDitConfig.published();
    int size = config.imageSize();
    int batch = Integer.parseInt(args[3]);
    ClipSource clips =
        ClipLocation.parse(args[1]).open(new ClipSourceProvider.Request(null, size, 0));
    ClipTokenizer tokenizer = ClipTokenizer.ofClip(Map.of());
    ObjectWords words = ObjectWords.read(Path.of(args[2]));
    EditPairBatches pairs = new EditPairBatches(clips, words, tokenizer, size, batch);
    ThreeDitTrainer.Settings settings = ThreeDitTrainer.Settings.published(batch);
    Path out = Files.createDirectories(Path.of(args[5]));
    Path state = out.resolve("state.safetensors");
    try (ThreeDitTrainer trainer = new ThreeDitTrainer(config, settings, Device.of("auto"), 0)) {
      if (isFolder) {
        trainer.begin(model);
      } else {
        new ThreeDitFile(model).begin(trainer.parameters(), config);
        trainer.begin();
      }
      if (Files.exists(state)) {
        trainer.resume(state);
      }
      while (trainer.steps() < Long.parseLong(args[4])) {
        long step = trainer.steps();
        System.out.printf("step %6d  loss %.4f%n", step, trainer.step(pairs.of(step)));
        if (trainer.steps() % 1_000 == 0) {
          trainer.saveState(state);
        }
      }
      trainer.saveState(state);
      trainer.save(out); // for `nacre eval --baseline 3dit=OUT`
    }
  }
}
