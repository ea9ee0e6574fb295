package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.ModelFolder;
import nacre.nn.Parameters;
import nacre.nn.VitFolder;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.StateDict;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs that begin with an image encoder of transformers, as export_encoder_folders.py wrote it. */
class ImageEncoderTest {
  private static final Path ENCODERS = Path.of("../../nn/src/test/resources/encoders");
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir Path folder;

  private CommandLineRun train(Object... arguments) {
    Object[] usual = {"train", "--steps", 2, "--eval-pairs", 0, "--no-sheet"};
    Object[] all = Arrays.copyOf(usual, usual.length + arguments.length);
    System.arraycopy(arguments, 0, all, usual.length, arguments.length);
    return CommandLineRun.of(all);
  }

  private static Path model(Path run, int step) {
    return run.resolve("checkpoints/step-%09d/ema".formatted(step));
  }

  /** The encoder's weights by name; a saved run's encoder is a folder like any other. */
  private static Map<String, float[]> weights(Path encoder) throws IOException {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.unwritten(Device.cpu(), DType.F32);
      VitFolder.load(p, encoder);
      Map<String, float[]> weights = new TreeMap<>();
      for (Map.Entry<String, Tensor> entry : p.all().entrySet()) {
        weights.put(entry.getKey(), entry.getValue().toFloats());
      }
      return weights;
    }
  }

  private static void assertSame(Path expected, Path actual) throws IOException {
    Map<String, float[]> wanted = weights(expected);
    Map<String, float[]> found = weights(actual);
    assertEquals(wanted.keySet(), found.keySet());
    wanted.forEach((name, values) -> assertArrayEquals(values, found.get(name), name));
  }

  @ParameterizedTest
  @CsvSource({
    "vit-classifier, vit, ViTModel, 0.485",
    "timm-dino, vit, ViTModel, 0.485",
    "dinov2-classifier, dinov2, Dinov2Model, 0.485",
    "mae-pretraining, vit_mae, ViTMAEModel, 0.485",
    "clip, clip_vision_model, CLIPVisionModel, 0.48145466"
  })
  void aRunBeginsWithItSavesItAndSamples(String name, String type, String className, double mean)
      throws IOException {
    Path encoder = ENCODERS.resolve(name);
    Path out = folder.resolve("run");
    CommandLineRun trained = train("--preset", "tiny", "--image-encoder", encoder, "--out", out);
    assertEquals(0, trained.status(), trained.err());
    String told = "encoder %s, %s\n".formatted(encoder.toAbsolutePath().normalize(), type);
    assertTrue(trained.out().contains(told), trained.out());
    assertTrue(trained.out().contains("image encoder at 0.002"), trained.out());
    assertSame(encoder, model(out, 0).resolve("image_encoder"));
    Path model = model(out, 2);
    Map<String, float[]> before = weights(encoder);
    Map<String, float[]> after = weights(model.resolve("image_encoder"));
    long moved =
        before.keySet().stream()
            .filter(key -> !Arrays.equals(before.get(key), after.get(key)))
            .count();
    assertTrue(moved > before.size() / 2, moved + " of " + before.size());
    JsonNode index = JSON.readTree(model.resolve("model_index.json").toFile());
    assertEquals("transformers", index.path("image_encoder").get(0).asText());
    assertEquals(className, index.path("image_encoder").get(1).asText());
    JsonNode config = JSON.readTree(model.resolve("image_encoder/config.json").toFile());
    assertEquals(type, config.get("model_type").asText());
    JsonNode images =
        JSON.readTree(model.resolve("image_encoder/preprocessor_config.json").toFile());
    assertEquals(mean, images.path("image_mean").get(0).asDouble());
    assertEquals(8, images.path("size").path("height").asInt());
    CommandLineRun sampled =
        CommandLineRun.of(
            "sample", "--model", out, "--rows", 1, "--steps", 1, "--out", folder.resolve("s"));
    assertEquals(0, sampled.status(), sampled.err());
  }

  @Test
  void aPresetNamesItAndFreezesItAndTheRunGoesOnWithoutTheFolder() throws IOException {
    Path encoder = folder.resolve("encoder");
    copy(ENCODERS.resolve("dinov2-classifier"), encoder);
    String tiny = Preset.builtin("tiny").json();
    String own =
        tiny.substring(tiny.indexOf("\"image_encoder\""), tiny.indexOf("\"asset_tokens\""));
    String json =
        tiny.replace(own, "\"image_encoder_from\": \"encoder\",\n")
            .replace("\"training\": {", "\"training\": {\"encoder_learning_rate_factor\": 0,");
    Path preset = Files.writeString(folder.resolve("mine.json"), json);
    Path out = folder.resolve("run");
    CommandLineRun trained = train("--preset", preset, "--out", out);
    assertEquals(0, trained.status(), trained.err());
    assertTrue(trained.out().contains("encoder " + encoder + ", dinov2"), trained.out());
    assertEquals(
        encoder.toString(),
        JSON.readTree(model(out, 2).resolve("preset.json").toFile())
            .path("image_encoder_from")
            .asText());
    assertTrue(trained.out().contains("; frozen: image encoder"), trained.out());
    assertSame(encoder, model(out, 2).resolve("image_encoder"));
    try (StateDict optimizer =
        StateDict.open(out.resolve("checkpoints/step-000000002/optimizer.safetensors"))) {
      assertFalse(optimizer.entries().keySet().stream().anyMatch(key -> key.contains("dinov2.")));
    }
    CommandLineRun same = train("--preset", preset, "--resume", "--out", out);
    assertEquals(0, same.status(), same.err());
    delete(encoder);
    CommandLineRun longer =
        CommandLineRun.of("train", "--resume", "--steps", 3, "--eval-pairs", 0, "--out", out);
    assertEquals(0, longer.status(), longer.err());
    assertTrue(Files.isDirectory(model(out, 3)));
  }

  /** Stopped after one step and resumed, it has the bits of a run that was not stopped. */
  @Test
  void resumedItIsTheSameToTheBit() throws IOException {
    Path clip = ENCODERS.resolve("clip");
    Path whole = folder.resolve("whole");
    Path parts = folder.resolve("parts");
    assertEquals(0, train("--preset", "tiny", "--image-encoder", clip, "--out", whole).status());
    CommandLineRun first =
        CommandLineRun.of(
            "train",
            "--preset",
            "tiny",
            "--image-encoder",
            clip,
            "--steps",
            1,
            "--eval-pairs",
            0,
            "--no-sheet",
            "--out",
            parts);
    assertEquals(0, first.status(), first.err());
    CommandLineRun rest = train("--image-encoder", clip, "--resume", "--out", parts);
    assertEquals(0, rest.status(), rest.err());
    String parameters = "checkpoints/step-000000002/parameters.safetensors";
    assertArrayEquals(
        Files.readAllBytes(whole.resolve(parameters)),
        Files.readAllBytes(parts.resolve(parameters)));
  }

  /** Positions are interpolated, also in a step that a GPU replays without the host. */
  @Tag("cuda")
  @Test
  void imagesOfAnotherSizeOnAGpuToo() throws IOException {
    assumeTrue(TestGpu.find().isPresent(), "there is no GPU, and no simulated one was built");
    assertTrainsOnOtherImages("--device", "cuda");
  }

  @Test
  void imagesOfAnotherSize() throws IOException {
    assertTrainsOnOtherImages("--device", "cpu");
  }

  private void assertTrainsOnOtherImages(Object... device) throws IOException {
    Path encoder = folder.resolve("encoder");
    copy(ENCODERS.resolve("dinov2-classifier"), encoder);
    Files.writeString(encoder.resolve("preprocessor_config.json"), "{\"size\": 12}");
    Path out = folder.resolve("run");
    CommandLineRun trained =
        CommandLineRun.of(
            "train",
            "--preset",
            "tiny",
            "--steps",
            4,
            "--eval-pairs",
            0,
            "--no-sheet",
            device[0],
            device[1],
            "--image-encoder",
            encoder,
            "--out",
            out);
    assertEquals(0, trained.status(), trained.err());
    assertEquals(
        12,
        ModelFolder.preset(Checkpoint.newest(out.resolve("checkpoints")).orElseThrow().model())
            .assetTokens()
            .imageSize());
  }

  @Test
  void whatIsWrongIsSaidInOneLineAndNothingIsLost() throws IOException {
    Path out = folder.resolve("run");
    assertRefused(folder.resolve("none"), out, "no such file");
    Path other = folder.resolve("other");
    Files.createDirectories(other);
    Files.writeString(other.resolve("config.json"), "{\"model_type\": \"swin\"}");
    assertRefused(other, out, "model_type 'swin' is no vision transformer that is known");
    copy(ENCODERS.resolve("vit-classifier"), other);
    Files.writeString(
        other.resolve("config.json"),
        Files.readString(other.resolve("config.json"))
            .replace("\"num_hidden_layers\": 1", "\"num_hidden_layers\": 2"));
    assertRefused(other, out, "does not fit the model: 16 missing");
    Files.delete(other.resolve("model.safetensors"));
    assertRefused(other, out, "has no model.safetensors");
  }

  private void assertRefused(Path encoder, Path out, String message) {
    CommandLineRun refused = train("--preset", "tiny", "--image-encoder", encoder, "--out", out);
    assertEquals(1, refused.status(), refused.out());
    assertTrue(refused.err().contains(message), refused.err());
    assertEquals(1, refused.err().lines().count(), refused.err());
    assertFalse(Files.exists(out.resolve("checkpoints/step-000000000")));
  }

  @Test
  void sizesOfThePresetsOwnMustBeTheFolders() throws IOException {
    String json =
        Preset.builtin("tiny")
            .json()
            .replace(
                "\"image_encoder\"",
                "\"image_encoder_from\": %s,\n\"image_encoder\""
                    .formatted(quoted(ENCODERS.resolve("clip").toAbsolutePath())));
    Path preset = Files.writeString(folder.resolve("both.json"), json);
    CommandLineRun refused = train("--preset", preset, "--out", folder.resolve("run"));
    assertEquals(1, refused.status());
    assertTrue(
        refused.err().contains("is not the preset's image_encoder; leave that out beside"),
        refused.err());
  }

  private static String quoted(Path path) throws IOException {
    return JSON.writeValueAsString(path.toString());
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    for (String file : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(from.resolve(file), to.resolve(file), StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static void delete(Path folder) throws IOException {
    Files.delete(folder.resolve("config.json"));
    Files.delete(folder.resolve("model.safetensors"));
    Files.delete(folder);
  }
}
