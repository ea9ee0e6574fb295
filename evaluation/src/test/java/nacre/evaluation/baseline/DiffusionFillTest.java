package nacre.evaluation.baseline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import nacre.diffusion.StableDiffusion;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Ops;
import nacre.weights.Layout;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Filling by a model of 4 channels, and by one of 9 that was made to inpaint. */
class DiffusionFillTest {
  private static final Path MODEL = Path.of("../tools/cli/src/test/resources/tiny-sd/model");
  private static final int SIZE = 16;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  /** The model with a UNet of 9 channels, the further five with weights of their own. */
  private static Path inpainting(Path copy) throws IOException {
    try (Stream<Path> all = Files.walk(MODEL)) {
      for (Path file : (Iterable<Path>) all::iterator) {
        Path to = copy.resolve(MODEL.relativize(file).toString());
        if (!Files.isDirectory(to)) {
          Files.copy(file, to);
        }
      }
    }
    Path config = copy.resolve("unet/config.json");
    String json = Files.readString(config);
    Files.writeString(config, json.replace("\"in_channels\": 4", "\"in_channels\": 9"));
    Path weights = Path.of("unet/diffusion_pytorch_model.safetensors");
    try (StateDict dict = StateDict.open(MODEL.resolve(weights));
        Scope _ = Scope.open()) {
      Map<String, Tensor> tensors = new HashMap<>();
      for (var entry : dict.entries().entrySet()) {
        Layout layout = Layout.ofParameter(entry.getValue().shape());
        Tensor tensor = entry.getValue().toTensor(Device.cpu(), DType.F32, layout);
        boolean isFirst = entry.getKey().equals("conv_in.weight");
        tensors.put(entry.getKey(), isFirst ? widened(tensor) : tensor);
      }
      new SafeTensorsWriter().addParameters(tensors).write(copy.resolve(weights));
    }
    return copy;
  }

  private static Tensor widened(Tensor first) {
    Tensor more = Tensor.empty(Device.cpu(), DType.F32, first.shape().with(3, 5));
    Device.cpu().backend().normal(1, 1, more);
    return Ops.concat(3, first, Ops.scale(more, 0.2));
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 9})
  void holesAreDrawnAndTheRestStays(int channels, @TempDir Path folder) throws IOException {
    Path model = channels == 4 ? MODEL : inpainting(folder);
    float[] picture = new float[SIZE * SIZE * 3];
    boolean[] hole = new boolean[SIZE * SIZE];
    for (int i = 0; i < hole.length; i++) {
      Arrays.fill(picture, 3 * i, 3 * i + 3, 0.123456f);
      hole[i] = i % SIZE > 4 && i % SIZE < 12 && i / SIZE > 6;
    }
    int[] steps = {0};
    StableDiffusion sd = StableDiffusion.load(model, Device.cpu());
    try (DiffusionFill fill = new DiffusionFill(sd, "ground", 3, 4)) {
      assertEquals(channels == 9 ? "inpainting model" : "latents put back", fill.name());
      float[] filled = fill.fill(picture, hole, SIZE, 1, () -> steps[0]++);
      float[] again = fill.fill(picture, hole, SIZE, 1, () -> {});
      float[] other = fill.fill(picture, hole, SIZE, 2, () -> {});
      assertTrue(steps[0] >= 2, steps[0] + " steps");
      assertArrayEquals(filled, again);
      assertFalse(Arrays.equals(filled, other), "the seed");
      int changed = 0;
      for (int i = 0; i < hole.length; i++) {
        if (!hole[i]) {
          assertEquals(picture[3 * i], filled[3 * i], "pixel " + i);
        } else if (Math.abs(filled[3 * i] - picture[3 * i]) > 0.02) {
          changed++;
        }
      }
      assertTrue(changed > 20, changed + " pixels of the hole are drawn");
      boolean[] none = new boolean[hole.length];
      assertArrayEquals(picture, fill.fill(picture, none, SIZE, 1, () -> {}));
    }
  }
}
