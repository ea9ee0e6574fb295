package nacre.tensor.cuda;

import static nacre.tensor.ops.Ops.cast;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleUnaryOperator;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.spi.GroupNormInputs;
import nacre.tensor.spi.NormGradients;
import nacre.tensor.spi.NormStatistics;
import nacre.tensor.spi.Unary;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * SiLU by the GPU's own exponential and quotient, of every number of 16 bits there is: rounded as
 * well as from exact values, but for a fiftieth of a unit of the last place.
 */
@Tag("cuda")
class HalfSiluTest {
  private static final int ALL = 1 << 16;

  /** Of an ulp; exact values would be off by half of one at most. */
  private static final double MOST = 0.51;

  /** The slope is a sum that cancels around x = -1.28; its terms have the digits of f32. */
  private static final double CANCELED = 0x1p-22;

  private Device gpu;

  @BeforeEach
  void open() {
    gpu = TestDevices.gpu().orElse(null);
    assumeTrue(gpu != null, "no GPU, and no simulated one");
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BF16", "F16"})
  void elementwise(DType dtype) {
    try (Scope _ = Scope.open()) {
      Tensor x = everything(dtype);
      Tensor y = Tensor.empty(gpu, dtype, x.shape());
      gpu.backend().unary(Unary.SILU, x, y);
      compare(dtype, x.toFloats(), y.toFloats(), HalfSiluTest::silu, 0);
      Tensor ones = cast(Tensor.full(gpu, DType.F32, x.shape(), 1), dtype);
      gpu.backend().unaryBackward(Unary.SILU, x, ones, y);
      compare(dtype, x.toFloats(), y.toFloats(), HalfSiluTest::slope, CANCELED);
    }
  }

  /** With factors of zero the offsets alone go through SiLU: by one launch, and by two. */
  @ParameterizedTest
  @CsvSource({"BF16, 512, 4", "BF16, 1024, 1", "F16, 512, 4", "F16, 1024, 1"})
  void afterGroupNorm(DType dtype, int c, int groups) {
    try (Scope _ = Scope.open()) {
      Tensor offsets = everything(dtype);
      float[] y = new float[ALL];
      float[] slopes = new float[ALL];
      Tensor zeros = Tensor.zeros(gpu, dtype, Shape.of(c));
      Tensor ones = cast(Tensor.full(gpu, DType.F32, Shape.of(1, 1, 1, c), 1), dtype);
      for (int first = 0; first < ALL; first += c) {
        try (Scope _ = Scope.open()) {
          Tensor beta = offsets.rows(first, first + c);
          GroupNormInputs in = new GroupNormInputs(ones, zeros, beta, groups, 1e-5, true);
          NormStatistics statistics = new NormStatistics(statistic(groups), statistic(groups));
          Tensor out = Tensor.empty(gpu, dtype, ones.shape());
          gpu.backend().groupNorm(in, out, statistics);
          System.arraycopy(out.toFloats(), 0, y, first, c);
          Tensor dbeta = Tensor.empty(gpu, dtype, Shape.of(c));
          Tensor dgamma = Tensor.empty(gpu, dtype, Shape.of(c));
          gpu.backend()
              .groupNormBackward(in, statistics, ones, new NormGradients(out, dgamma, dbeta));
          System.arraycopy(dbeta.toFloats(), 0, slopes, first, c);
        }
      }
      compare(dtype, offsets.toFloats(), y, HalfSiluTest::silu, 0);
      compare(dtype, offsets.toFloats(), slopes, HalfSiluTest::slope, CANCELED);
    }
  }

  private Tensor statistic(int groups) {
    return Tensor.empty(gpu, DType.F32, Shape.of(1, groups));
  }

  private Tensor everything(DType dtype) {
    float[] all = new float[ALL];
    for (int bits = 0; bits < ALL; bits++) {
      all[bits] =
          dtype == DType.BF16
              ? Float.intBitsToFloat(bits << 16)
              : Float.float16ToFloat((short) bits);
    }
    return cast(Tensor.of(gpu, Shape.of(ALL), all), dtype);
  }

  private static double silu(double x) {
    return x / (1 + Math.exp(-x));
  }

  private static double slope(double x) {
    double s = 1 / (1 + Math.exp(-x));
    return s * (1 + x / (1 + Math.exp(x)));
  }

  /** What is no number, of infinities, must be none. */
  private static void compare(
      DType dtype, float[] x, float[] got, DoubleUnaryOperator f, double besides) {
    List<String> wrong = new ArrayList<>();
    for (int i = 0; i < ALL; i++) {
      double want = f.applyAsDouble(x[i]);
      boolean right =
          Double.isFinite(want)
              ? Math.abs(got[i] - want) <= MOST * ulp(dtype, want) + besides
              : Double.compare(got[i], want) == 0;
      if (!right) {
        wrong.add(String.format(Locale.ROOT, "%s: %s, not %s", x[i], got[i], want));
      }
    }
    assertEquals(List.of(), wrong.subList(0, Math.min(5, wrong.size())), wrong.size() + " wrong");
  }

  /** A unit of the last place, of subnormal numbers that of the smallest normal one. */
  private static double ulp(DType dtype, double v) {
    return dtype == DType.BF16
        ? Math.scalb(1.0, Math.max(Math.getExponent(v), -126) - 7)
        : Math.scalb(1.0, Math.max(Math.getExponent(v), -14) - 10);
  }
}
