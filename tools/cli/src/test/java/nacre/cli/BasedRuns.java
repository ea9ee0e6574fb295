package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

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
import java.util.stream.Stream;
import nacre.diffusion.checkpoint.Component;
import nacre.neuralassets.model.Preset;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.weights.AtomicFolder;
import nacre.weights.Layout;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Runs that begin with Stable Diffusion, the tiny one that export_tiny_sd.py wrote, on scenes that
 * are rendered once for a test class. After each test nothing is left in memory.
 */
final class BasedRuns implements BeforeAllCallback, AfterEachCallback, AfterAllCallback {
  /** Stable Diffusion of a few weights. */
  static final Path BASE = TinyModel.RESOURCES.resolve("model");

  /** A vision transformer of a few weights. */
  static final Path ENCODER = Path.of("../../nn/src/test/resources/encoders/vit-classifier");

  private static final JsonMapper JSON = new JsonMapper();

  private Path folder;

  @Override
  public void beforeAll(ExtensionContext context) throws IOException {
    folder = Files.createTempDirectory("based-runs");
    CommandLineRun rendered =
        CommandLineRun.of(
            "data", "render", "--out", scenes(), "--size", 32, "--clips", 3, "--max-objects", 3);
    assertEquals(0, rendered.status(), rendered::err);
  }

  @Override
  public void afterEach(ExtensionContext context) {
    assertEquals(0, Memory.liveTensors());
  }

  @Override
  public void afterAll(ExtensionContext context) throws IOException {
    AtomicFolder.delete(folder);
  }

  /** The scenes that runs train on. */
  Path scenes() {
    return folder.resolve("scenes");
  }

  /**
   * The preset paper at 32×32 pixels, with small layers and batches, changed as RFC 7396 has it.
   */
  static Path preset(Path file, String changes) throws IOException {
    ObjectNode preset = (ObjectNode) JSON.readTree(Preset.builtin("paper").json());
    preset.remove(List.of("unet", "vae", "scheduler", "image_encoder"));
    Files.writeString(file, preset.toString());
    TinyModel small = new TinyModel(file.getParent());
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

  /** Trains on the scenes, without evaluation. */
  CommandLineRun train(Path preset, Path out, Object... more) {
    List<Object> words =
        new ArrayList<>(
            List.of(
                "train",
                "--preset",
                preset,
                "--data",
                scenes(),
                "--eval-pairs",
                0,
                "--no-sheet",
                "--out",
                out));
    words.addAll(Arrays.asList(more));
    return CommandLineRun.of(words.toArray());
  }

  /** The checkpoint of a step. */
  static Path checkpoint(Path run, int step) {
    return run.resolve("checkpoints/step-%09d".formatted(step));
  }

  /** The tensors of a part of a model, in PyTorch's layout. */
  static Map<String, float[]> weights(Path model, Component part) throws IOException {
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

  /** Compares tensors by name, bit for bit. */
  static void assertSame(Map<String, float[]> expected, Map<String, float[]> found) {
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach((name, values) -> assertArrayEquals(values, found.get(name), name));
  }

  /** Arguments, and more. */
  static Object[] with(Object[] words, Object... more) {
    return Stream.concat(Arrays.stream(words), Arrays.stream(more)).toArray();
  }
}
