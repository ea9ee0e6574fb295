package nacre.tensor.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.stream.Collectors;
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Setting;
import nacre.tensor.Settings;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.cuda.driver.CudaDevice;
import nacre.tensor.ops.Cast;
import nacre.tensor.ops.LinearGeglu;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** GEGLU in the launch of the linear layer before it, where that is possible and fast. */
@Tag("cuda")
class CudaGegluTest {
  @TempDir Path folder;

  private Device gpu;

  @BeforeEach
  void aGpuIsThere() {
    gpu = TestDevices.gpu().orElse(null);
    assumeTrue(gpu != null, "no GPU, and no simulated one");
  }

  /** Tiles that are full, that end early on each side, and of more steps than are loaded ahead. */
  @ParameterizedTest
  @CsvSource({"128, 64, 32", "1, 8, 8", "129, 72, 40", "130, 136, 264"})
  void aWholeLayerIsOneLaunch(int rows, int c, int k) {
    assertEquals(1, launches(gpu, DType.BF16, rows, c, k, 0));
    assertEquals(1, launches(gpu, DType.F16, rows, c, k, 0));
  }

  @Test
  void whatTensorCoresDoNotTakeAreTwo() {
    assertEquals(2, launches(gpu, DType.F32, 9, 16, 16, 0));
    assertEquals(2, launches(gpu, DType.BF16, 9, 12, 16, 0));
    assertEquals(2, launches(gpu, DType.BF16, 9, 16, 12, 0));
    assertEquals(2, launches(gpu, DType.BF16, 9, 16, 16, 1), "x begins at an odd address");
  }

  @Test
  void aCapturedStep() {
    try (Scope _ = Scope.open()) {
      Layer layer = Layer.of(gpu, DType.BF16, 70, 24, 48, 0);
      try (CapturedStep step = CapturedStep.of(gpu, layer::run)) {
        for (int run = 0; run < 3; run++) {
          layer.check(step.run());
        }
      }
    }
  }

  /** The simulated kernel is slow, and so is cuBLASLt where it is said to be. */
  @Test
  void theFasterWayIsFoundAndKept() {
    assertEquals("false, it takes", choice(20));
    try (SimulatorSetting _ =
        SimulatorSetting.of("NACRE_SIM_CUBLAS_COST", "0:9999,1:9999,2:9999")) {
      assertEquals("false, as it was found before", choice(20));
      assertEquals("true, it takes", choice(21));
    }
    assertEquals("true, as it was found before", choice(21));
  }

  /** What another process says of its choice, whose result is right. */
  private String choice(int rows) {
    CudaDevice device = CudaDevice.open(0);
    Settings settings =
        Settings.ofProcess().with(Setting.TUNE, "on").with(Setting.CACHE, folder.toString());
    CudaBackend backend = new CudaBackend(device, settings);
    try (Scope _ = Scope.open()) {
      Layer layer = Layer.of(gpu, DType.BF16, rows, 16, 16, 0);
      Tensor y = layer.run();
      y.toFloats(); // the other's stream is another: all must be there
      for (int run = 0; run < 2; run++) {
        backend.fill(y, 7);
        backend.linearGeglu(layer.x, layer.w, layer.bias, y);
        device.synchronize();
        layer.check(y);
      }
    }
    return backend.explain().stream()
        .filter(line -> line.startsWith("tuned: one launch"))
        .map(line -> line.replaceAll("^.*: |( it takes) .*", "$1"))
        .collect(Collectors.joining("\n"));
  }

  /** Launches of a layer whose result is right, once it was run before. */
  private static long launches(Device device, DType dtype, int rows, int c, int k, int skipped) {
    try (Scope _ = Scope.open()) {
      Layer layer = Layer.of(device, dtype, rows, c, k, skipped);
      layer.run();
      long before = device.backend().launches();
      Tensor y = layer.run();
      long launches = device.backend().launches() - before;
      layer.check(y);
      return launches;
    }
  }

  /** A layer with small numbers, whose sums are exact, and what it gives. */
  private record Layer(Tensor x, Tensor w, Tensor bias, float[] right) {

    /**
     * @param skipped elements before x
     */
    static Layer of(Device device, DType dtype, int rows, int c, int k, int skipped) {
      Layer plain = on(Device.reference(), DType.F32, rows, c, k, skipped, null);
      return on(device, dtype, rows, c, k, skipped, plain.run().toFloats());
    }

    private static Layer on(
        Device device, DType dtype, int rows, int c, int k, int skipped, float[] right) {
      Tensor all = tensor(device, dtype, Shape.of(rows * k + skipped), 5);
      return new Layer(
          all.rows(skipped, skipped + rows * k).view(Shape.of(rows, k)),
          tensor(device, dtype, Shape.of(2 * c, k), 7),
          tensor(device, dtype, Shape.of(2 * c), 11),
          right);
    }

    /** Of −0.5 to 0.5 in eighths. */
    private static Tensor tensor(Device device, DType dtype, Shape shape, int seed) {
      float[] numbers = new float[Math.toIntExact(shape.elements())];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = (Math.floorMod((i + 1) * seed * 40503, 65537) % 9 - 4) / 8f;
      }
      return Cast.cast(Tensor.of(device, shape, numbers), dtype);
    }

    Tensor run() {
      return LinearGeglu.geglu(x, w, bias);
    }

    void check(Tensor y) {
      float[] found = Cast.cast(y, DType.F32).toFloats();
      for (int i = 0; i < right.length; i++) {
        // Only the result is rounded, to 8 bits of fraction at least.
        assertEquals(right[i], found[i], Math.abs(right[i]) / 256 + 1e-6f, "element " + i);
      }
    }
  }
}
