package nacre.cli;

import static nacre.cli.TinySample.difference;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import nacre.neuralassets.scene.PngFile;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensorsWriter;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Folders and files as people have them: opened, or refused with what is wrong. */
class IncompleteFoldersTest {
  @TempDir Path folder;

  private TinyModel model;

  @BeforeEach
  void copy() throws IOException {
    model = TinyModel.copyTo(folder.resolve("model"));
  }

  private CommandLineRun sample(Object path, Object... more) {
    List<Object> words =
        new ArrayList<>(List.of("sample", "--model", path, "--out", folder.resolve("out")));
    words.addAll(List.of("--prompt", "A painting of a fox, it's highly detailed: 8k!"));
    words.addAll(List.of("--steps", 6, "--guidance", 7.5, "--seed", 42, "--size", "48x32"));
    words.addAll(List.of(more));
    return CommandLineRun.of(words.toArray());
  }

  /** The picture is that of export_tiny_sd.py's case {@code own}. */
  private void assertDraws(String prediction, CommandLineRun run) throws IOException {
    assertEquals(0, run.status(), run::err);
    Path drawn;
    try (Stream<Path> files = Files.list(folder.resolve("out"))) {
      drawn = files.findFirst().orElseThrow();
    }
    byte[] right = rgb(TinyModel.RESOURCES.resolve(prediction).resolve("own-0.png"));
    byte[] picture = rgb(drawn);
    int difference = difference(right, picture);
    assertTrue(difference <= 2, "differs by " + difference);
  }

  private static byte[] rgb(Path png) throws IOException {
    return PngFile.rgb(ImageIO.read(png.toFile()));
  }

  private void assertRefused(Object path, String... reasons) {
    CommandLineRun run = sample(path);
    assertEquals(1, run.status(), run::out);
    assertEquals(1, run.complaints().size(), run::err);
    for (String reason : reasons) {
      assertTrue(run.err().contains(reason), run::err);
    }
  }

  @Test
  void aPredictionOfOnesOwn() throws IOException {
    assertDraws("v-prediction", sample(model.root(), "--prediction", "v_prediction"));
  }

  @Test
  void aPredictionOfOnesOwnInASingleFile() throws IOException {
    Path file = folder.resolve("tiny.safetensors");
    CommandLineRun converted = CommandLineRun.of("weights", "convert", model.root(), file);
    assertEquals(0, converted.status(), converted::err);
    Path tokenizer = model.root().resolve("tokenizer");
    assertDraws("v-prediction", sample(file, "--tokenizer", tokenizer, "--prediction", "v"));
  }

  @Test
  void aFamilyIsOfSingleFiles() {
    CommandLineRun run = sample(model.root(), "--family", "sd1");
    assertEquals(1, run.status(), run::out);
    assertTrue(run.err().contains("is a folder, whose configs say what it is"), run::err);
    assertEquals(2, sample(model.root(), "--family", "sd9").status());
    assertEquals(2, sample(model.root(), "--prediction", "flow").status());
  }

  @Test
  void anIndexIsNotNeeded() throws IOException {
    Files.delete(model.root().resolve("model_index.json"));
    assertDraws("epsilon", sample(model.root()));
  }

  @Test
  void whatIsMissingIsNamed() throws IOException {
    Files.delete(model.root().resolve("model_index.json"));
    Files.delete(model.root().resolve("vae/config.json"));
    Files.delete(model.root().resolve("scheduler/scheduler_config.json"));
    assertRefused(
        model.root(),
        "has no model_index.json, and no vae/config.json, no scheduler/scheduler_config.json");
    assertRefused(model.root().resolve("unet"), "give the folder above, " + model.root());
  }

  @Test
  void aCustomPipelineIsNamed() throws IOException {
    model.patch("model_index.json", "{'_class_name': ['pipeline', 'MyPipeline']}");
    assertRefused(model.root(), "is a [\"pipeline\",\"MyPipeline\"], StableDiffusionPipeline is");
  }

  @Test
  void anotherClassIsNamed() throws IOException {
    model.patch("vae/config.json", "{'_class_name': 'AutoencoderTiny'}");
    assertRefused(model.root(), "vae/config.json", "_class_name = \"AutoencoderTiny\" is not");
  }

  @ParameterizedTest
  @CsvSource({
    "model.bin, to use model.bin rename it to pytorch_model.bin",
    "flax_model.msgpack, flax_model.msgpack is of Flax",
    "model.non_ema.safetensors, to use model.non_ema.safetensors rename it to model.safetensors",
  })
  void otherFilesOfWeightsAreNamed(String file, String reason) throws IOException {
    Path text = model.root().resolve("text_encoder");
    Files.move(text.resolve("model.safetensors"), text.resolve(file));
    assertRefused(model.root(), "text_encoder: has no model.safetensors", reason);
  }

  @ParameterizedTest
  @CsvSource({"model.fp16.safetensors", "model.bf16.safetensors"})
  void variantsOfHalfPrecisionAreTaken(String file) throws IOException {
    Path text = model.root().resolve("text_encoder");
    Files.move(text.resolve("model.safetensors"), text.resolve(file));
    assertDraws("epsilon", sample(model.root()));
  }

  @ParameterizedTest
  @CsvSource({
    "mine.ckpt, as a zip archive has no directory at its end",
    "mine.pt, as a zip archive has no directory at its end",
    "mine, as a zip archive has no directory at its end",
  })
  void otherFormatsAreNamed(String name, String reason) throws IOException {
    Path file = folder.resolve(name);
    Files.write(file, Arrays.copyOf(new byte[] {'P', 'K', 3, 4}, 4000));
    assertRefused(file, reason);
  }

  @Test
  void scaledWeightsAreRefused() throws IOException {
    Path unet = model.root().resolve("unet/diffusion_pytorch_model.safetensors");
    try (Scope _ = Scope.open()) {
      var one = Tensor.of(Device.cpu(), Shape.of(1), 1);
      new SafeTensorsWriter().add("scaled_fp8", one, Layout.SAME).write(unet);
    }
    assertRefused(model.root(), "holds quantized weights, whose factors are not applied");
  }
}
