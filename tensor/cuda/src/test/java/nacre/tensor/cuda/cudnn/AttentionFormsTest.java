package nacre.tensor.cuda.cudnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.cuda.SimulatorSetting;
import nacre.tensor.cuda.driver.CudaAllocator;
import nacre.tensor.cuda.driver.CudaDevice;
import nacre.tensor.cuda.driver.LibraryPolicy;
import nacre.tensor.spi.AttentionGradients;
import nacre.tensor.spi.AttentionInputs;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Attention as one operation of cuDNN's, and where it refuses that, as those it is made of. */
@Tag("cuda")
class AttentionFormsTest {
  private static final int CASES = 12;
  private static final double SCALE = 0.3;

  private final List<String> refused = new ArrayList<>();
  private Device gpu;
  private CudaDevice device;

  @BeforeEach
  void open() {
    gpu = TestDevices.gpu().orElse(null);
    assumeTrue(gpu != null, "no GPU, and no simulated one");
    device = CudaDevice.open(0);
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void oneOperation(DType dtype) {
    compare(dtype);
    assertEquals(List.of(), refused);
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void theOperationsThatItIsMadeOf(DType dtype) {
    try (SimulatorSetting _ = SimulatorSetting.of("NACRE_SIM_CUDNN_NO_SDPA", "1")) {
      compare(dtype);
    }
    assertFalse(refused.isEmpty());
    for (String each : refused) {
      assertTrue(each.startsWith("Attention["), each);
    }
  }

  /** cuDNN's own front end lets no one ask for this. */
  @Test
  void theGradientOfOneQueryAndOneKeyIsNotAskedOfIt() {
    Shape one = Shape.of(2, 1, 1, 8);
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.full(gpu, DType.BF16, one, 1);
      Tensor state = Tensor.full(gpu, DType.F32, Shape.of(2, 1, 1), 0);
      boolean served =
          library()
              .attentionBackward(
                  new AttentionInputs(x, x, x, SCALE, false),
                  x,
                  x,
                  state,
                  new AttentionGradients(x, x, x));
      assertFalse(served);
    }
  }

  private void compare(DType dtype) {
    CudnnLibrary library = library();
    Random random = new Random(5);
    for (int i = 0; i < CASES; i++) {
      Shape q =
          Shape.of(
              1 + random.nextInt(3),
              1 + random.nextInt(40),
              1 + random.nextInt(3),
              8 * (1 + random.nextInt(5)));
      Shape k = q.with(1, 1 + random.nextInt(90));
      compare(library, dtype, q, k, i % 2 == 0, random);
    }
  }

  private void compare(
      CudnnLibrary library, DType dtype, Shape q, Shape k, boolean state, Random random) {
    try (Scope _ = Scope.open()) {
      Tensor[] in = {any(q, dtype, random), any(k, dtype, random), any(k, dtype, random)};
      Tensor y = Tensor.full(gpu, dtype, q, 7);
      Shape rows = Shape.of(q.dim(0), q.dim(2), q.dim(1));
      Tensor logarithms = state ? Tensor.full(gpu, DType.F32, rows, 7) : null;
      AttentionInputs inputs = new AttentionInputs(in[0], in[1], in[2], SCALE, false);
      y.toFloats(); // the library's stream is another: what was asked for must be there
      assertTrue(library.attention(inputs, y, logarithms), refused.toString());
      device.synchronize();
      check(q, k, in, y.toFloats(), state ? logarithms.toFloats() : null);
    }
  }

  private static void check(Shape q, Shape k, Tensor[] in, float[] y, float[] logarithms) {
    float[] query = in[0].toFloats();
    float[] key = in[1].toFloats();
    float[] value = in[2].toFloats();
    int t = q.dim(1);
    int s = k.dim(1);
    int heads = q.dim(2);
    int d = q.dim(3);
    double[] p = new double[s];
    for (int row = 0; row < q.dim(0) * t * heads; row++) {
      int n = row / (t * heads);
      int h = row % heads;
      double sum = 0;
      for (int j = 0; j < s; j++) {
        double product = 0;
        for (int c = 0; c < d; c++) {
          product += query[row * d + c] * (double) key[((n * s + j) * heads + h) * d + c];
        }
        p[j] = Math.exp(SCALE * product);
        sum += p[j];
      }
      for (int c = 0; c < d; c++) {
        double wanted = 0;
        for (int j = 0; j < s; j++) {
          wanted += p[j] / sum * value[((n * s + j) * heads + h) * d + c];
        }
        assertEquals(wanted, y[row * d + c], 0.02, q + " and " + k);
      }
      if (logarithms != null) {
        int i = row / heads % t;
        assertEquals(Math.log(sum), logarithms[(n * heads + h) * t + i], 1e-4, q + " and " + k);
      }
    }
  }

  private Tensor any(Shape shape, DType dtype, Random random) {
    float[] all = new float[(int) shape.elements()];
    for (int i = 0; i < all.length; i++) {
      all[i] = (float) random.nextGaussian();
    }
    Tensor rounded = Tensor.empty(gpu, dtype, shape);
    gpu.backend().cast(Tensor.of(gpu, shape, all), rounded);
    return rounded;
  }

  private CudnnLibrary library() {
    return new CudnnLibrary(
        device,
        new CudaAllocator(device),
        LibraryPolicy.plain((what, why) -> refused.add(what + ": " + why)));
  }
}
