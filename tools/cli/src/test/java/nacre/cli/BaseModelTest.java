package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import nacre.diffusion.checkpoint.Component;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.ModelFolder;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.weights.Layout;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs that begin with Stable Diffusion, the tiny one that export_tiny_sd.py wrote. */
class BaseModelTest {
  private static final Path BASE = TinyModel.RESOURCES.resolve("model");
  private static final Path ENCODER =
      Path.of("../../nn/src/test/resources/encoders/vit-classifier");
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir static Path shared;
  @TempDir Path folder;

  private static Path scenes;

  @BeforeAll
  static void render() {
    scenes = shared.resolve("scenes");
    CommandLineRun rendered =
        CommandLineRun.of(
            "data", "render", "--out", scenes, "--size", 32, "--clips", 3, "--max-objects", 3);
    assertEquals(0, rendered.status(), rendered::err);
  }

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  /**
   * The preset paper at 32×32 pixels, with small layers and batches, changed as RFC 7396 has it.
   */
  private Path preset(String name, String changes) throws IOException {
    ObjectNode preset = (ObjectNode) JSON.readTree(Preset.builtin("paper").json());
    preset.remove(List.of("unet", "vae", "scheduler", "image_encoder"));
    Path file = folder.resolve(name + ".json");
    Files.writeString(file, preset.toString());
    TinyModel small = new TinyModel(folder);
    small.patch(
        file.getFileName().toString(),
        """
        {'image_size': 32,
         'asset_tokens': {'appearance_dim': 8, 'pose_dim': 8, 'pose_hidden': 16,
           'image_size': 8},
         'training': {'batch_size': 2, 'warmup_steps': 0, 'learning_rate': 0.001,
           'ema_decay': 0.9},
         'sampling': {'num_inference_steps': 2},
         'data': {'slots': 4, 'validation_steps': 10,
           'scene': {'min_objects': 1, 'max_objects': 3}}}
        """);
    small.patch(file.getFileName().toString(), changes);
    return file;
  }

  private static CommandLineRun train(Path preset, Path out, Object... more) {
    List<Object> words =
        new ArrayList<>(
            List.of(
                "train",
                "--preset",
                preset,
                "--data",
                scenes,
                "--eval-pairs",
                0,
                "--no-sheet",
                "--out",
                out));
    words.addAll(Arrays.asList(more));
    return CommandLineRun.of(words.toArray());
  }

  private static Path checkpoint(Path run, int step) {
    return run.resolve("checkpoints/step-%09d".formatted(step));
  }

  /** The tensors of a part of a model, in PyTorch's layout. */
  private static Map<String, float[]> weights(Path model, Component part) throws IOException {
    Map<String, float[]> all = new TreeMap<>();
    try (Scope _ = Scope.open();
        StateDict dict = StateDict.open(model.resolve(part.folder()), part.stem())) {
      for (Map.Entry<String, SafeTensors.Entry> entry : dict.entries().entrySet()) {
        all.put(
            entry.getKey(),
            entry.getValue().toTensor(Device.cpu(), DType.F32, Layout.SAME).toFloats());
      }
    }
    return all;
  }

  private static void assertSame(Map<String, float[]> expected, Map<String, float[]> found) {
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach((name, values) -> assertArrayEquals(values, found.get(name), name));
  }

  @Test
  void aRunBeginsWithItAndSamples() throws IOException {
    Path preset = preset("mine", "{}");
    Path out = folder.resolve("run");
    CommandLineRun trained =
        train(preset, out, "--base", BASE, "--image-encoder", ENCODER, "--steps", 2);
    assertEquals(0, trained.status(), trained::err);
    assertTrue(trained.out().contains("base    " + BASE + ", Stable"), trained::out);
    assertTrue(trained.out().contains("context 16 wide, predicts epsilon"), trained::out);
    Path begun = checkpoint(out, 0).resolve("ema");
    assertSame(weights(BASE, Component.UNET), weights(begun, Component.UNET));
    assertSame(weights(BASE, Component.VAE), weights(begun, Component.VAE));
    Path model = checkpoint(out, 2).resolve("ema");
    assertSame(weights(BASE, Component.VAE), weights(model, Component.VAE));
    Map<String, float[]> before = weights(BASE, Component.UNET);
    Map<String, float[]> after = weights(model, Component.UNET);
    List<String> still =
        before.keySet().stream()
            .filter(name -> Arrays.equals(before.get(name), after.get(name)))
            .toList();
    // At 4×4 latents the deepest attention is over a single position, which has no gradient.
    assertTrue(
        still.stream().allMatch(name -> name.matches("mid_block.*attn1.to_[qk].*")),
        still::toString);
    Preset written = ModelFolder.preset(new Checkpoint(checkpoint(out, 2)).model());
    assertEquals(16, written.unet().crossAttentionDim());
    assertEquals(4, written.unet().sampleSize());
    JsonNode scheduler = JSON.readTree(model.resolve("scheduler/scheduler_config.json").toFile());
    assertEquals("scaled_linear", scheduler.path("beta_schedule").asText());
    assertFalse(scheduler.path("clip_sample").asBoolean(true));
    CommandLineRun sampled =
        CommandLineRun.of(
            "sample", "--model", out, "--rows", 1, "--steps", 1, "--out", folder.resolve("s"));
    assertEquals(0, sampled.status(), sampled::err);
    assertTrue(Files.exists(folder.resolve("s/sheet.png")));
  }
}
