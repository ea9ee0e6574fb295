package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import nacre.cli.Nacre;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.training.ModelFolder;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.weights.SafeTensors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A data set, an image encoder and a command of a user, in a package that is none of Nacre's and
 * sees what is public only. They are found by the files under {@code META-INF/services}.
 */
class ExtensionsTest {
  @TempDir private Path folder;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private record Run(int status, String out, String err) {}

  /** Runs a command as it is typed. */
  private static Run nacre(Object... words) {
    PrintStream before = System.out;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    StringWriter err = new StringWriter();
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    try {
      String[] args = Stream.of(words).map(Object::toString).toArray(String[]::new);
      int status = Nacre.commandLine(new PrintWriter(err, true)).execute(args);
      return new Run(status, out.toString(StandardCharsets.UTF_8), err.toString());
    } finally {
      System.setOut(before);
    }
  }

  private static Run train(Path out, Object... more) {
    Stream<Object> words = Stream.of("train", "--preset", "tiny", "--steps", 2, "--out", out);
    return nacre(Stream.concat(words, Stream.of(more)).toArray());
  }

  private Path disks(int clips) throws IOException {
    return Files.writeString(folder.resolve("three.disks"), Integer.toString(clips));
  }

  @Test
  void aDataSetIsTrainedOnEvaluatedAndGoneOnWith() throws IOException {
    Path out = folder.resolve("run");
    Path file = disks(3);
    Run trained = train(out, "--data", "disks:" + file);
    assertEquals(0, trained.status, trained.err);
    assertTrue(trained.out.contains("2 clips, 8 frames, of disks as in " + file), trained.out);
    assertTrue(trained.out.contains("1 held out (data.validation 0.1)"), trained.out);
    assertTrue(Files.size(out.resolve("samples.png")) > 1000); // a sheet of its scenes
    Run eval = nacre("eval", "--model", out, "--data", "disks:" + file, "--steps", 1);
    assertEquals(0, eval.status, eval.err);
    assertTrue(eval.out.contains("3 pairs of disks:" + file), eval.out);
    assertEquals(0, train(out, "--resume", "--data", "disks:" + file).status);
    Run other = train(out, "--resume", "--data", "sparks:");
    assertEquals(1, other.status);
    assertTrue(other.err.contains("--data is not what the run began with"), other.err);
  }

  @Test
  void theKindOfAFileDecidesWhereNoNameIsGiven() throws IOException {
    Run trained = train(folder.resolve("run"), "--data", disks(3), "--no-sheet");
    assertEquals(0, trained.status, trained.err);
    assertTrue(trained.out.contains("2 clips, 8 frames, of disks as in"), trained.out);
  }

  @Test
  void anEndlessStreamIsTakenFromWhileTraining() {
    Run trained = train(folder.resolve("run"), "--data", "sparks:");
    assertEquals(0, trained.status, trained.err);
    assertTrue(trained.out.contains("data    sparks without end"), trained.out);
  }

  @Test
  void namesOfDataSetsThatThereAreNotAreRefused() {
    Run refused = train(folder.resolve("run"), "--data", "discs:here");
    assertEquals(2, refused.status);
    String told = "(?s).*there is no data source 'discs'; there are .*disks, .*, sparks.*";
    assertTrue(refused.err.matches(told), refused.err);
    assertEquals(1, refused.err.lines().count(), refused.err);
  }

  private static String presetOfPatches() {
    String tiny = Preset.builtin("tiny").json();
    String vit =
        tiny.substring(tiny.indexOf("\"image_encoder\""), tiny.indexOf("\"asset_tokens\""));
    return tiny.replace(
        vit,
        "\"image_encoder\": {\"model_type\": \"patches\", \"patch_size\": 8, \"hidden_size\":"
            + " 24},\n");
  }

  @Test
  void anImageEncoderIsTrainedSavedAndSampledWith() throws IOException {
    Path preset = Files.writeString(folder.resolve("patches.json"), presetOfPatches());
    Path out = folder.resolve("run");
    Run trained = nacre("train", "--preset", preset, "--steps", 2, "--eval-pairs", 2, "--out", out);
    assertEquals(0, trained.status, trained.err);
    assertEquals(
        0, nacre("train", "--preset", preset, "--steps", 2, "--resume", "--out", out).status);
    Path model = out.resolve("checkpoints/step-000000002/ema");
    try (SafeTensors saved = SafeTensors.open(model.resolve("image_encoder/model.safetensors"))) {
      assertEquals(
          "[patches.bias, patches.weight]",
          saved.entries().keySet().stream().sorted().toList().toString());
    }
    assertTrue(
        Files.readString(model.resolve("image_encoder/config.json")).contains("\"patches\""));
    try (Scope _ = Scope.open()) {
      NeuralAssets loaded = ModelFolder.load(model, Device.cpu());
      assertEquals(8, loaded.preset().imageEncoder().patchSize());
      assertEquals(0.4, loaded.preset().assetTokens().imageMean().getFirst());
    }
    Run sampled =
        nacre("sample", "--model", out, "--rows", 1, "--steps", 1, "--out", folder.resolve("s"));
    assertEquals(0, sampled.status, sampled.err);
  }

  @Test
  void imageEncodersThatThereAreNotAreRefused() throws IOException {
    String json = presetOfPatches().replace("\"patches\"", "\"dino\"");
    Run refused = nacre("train", "--preset", Files.writeString(folder.resolve("dino.json"), json));
    assertEquals(1, refused.status);
    assertTrue(
        refused.err.contains(
            "image_encoder.model_type must be one of clip_vision_model, dinov2,"
                + " dinov2_with_registers, patches, vit, vit_mae, not dino"),
        refused.err);
  }

  @Test
  void aCommandIsRunListedAndFailsInOneLine() {
    assertEquals("Hello, world!", nacre("hello", "--name", "world").out.strip());
    assertTrue(nacre("--help").out.contains("hello"));
    Run refused = nacre("hello", "--name", " ");
    assertEquals(1, refused.status);
    assertEquals("nacre: --name is blank", refused.err.strip());
  }
}
