package nacre.tensor.reference;

import java.util.Locale;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;

/** One operation on a device beside the same in plain Java: whether the device computes at all. */
public final class SelfCheck {
  private static final int ROWS = 33;
  private static final int INNER = 130;
  private static final int COLUMNS = 66;
  private static final double TOLERANCE = 1e-5;

  /**
   * What came of it.
   *
   * @param passed whether the device's numbers are right
   * @param line one line that says so
   */
  public record Result(boolean passed, String line) {}

  private SelfCheck() {}

  /** silu(x · wᵀ + b) in f32, x [33, 130], w [66, 130]; the random numbers too are the device's. */
  public static Result run(Device device) {
    float[] got = compute(device);
    float[] want = compute(Device.reference());
    double off = 0;
    double norm = 0;
    for (int i = 0; i < want.length; i++) {
      off += ((double) got[i] - want[i]) * ((double) got[i] - want[i]);
      norm += (double) want[i] * want[i];
    }
    double error = Math.sqrt(off / norm);
    boolean passed = error <= TOLERANCE;
    return new Result(
        passed,
        String.format(
            Locale.ROOT,
            "linear layer [%d, %d] to [%d, %d]: relative error %.1e beside plain Java, %s",
            ROWS,
            INNER,
            ROWS,
            COLUMNS,
            error,
            passed ? "passed" : "FAILED (at most " + TOLERANCE + " is right)"));
  }

  private static float[] compute(Device device) {
    try (Scope _ = Scope.open()) {
      Tensor x = normal(device, Shape.of(ROWS, INNER), 0);
      Tensor w = normal(device, Shape.of(COLUMNS, INNER), 1);
      Tensor b = normal(device, Shape.of(COLUMNS), 2);
      Tensor y = x.like(Shape.of(ROWS, COLUMNS));
      device.backend().matmul(x, false, w, true, b, Unary.SILU, y);
      return y.toFloats();
    }
  }

  private static Tensor normal(Device device, Shape shape, long stream) {
    Tensor x = Tensor.empty(device, DType.F32, shape);
    device.backend().normal(1, stream, x);
    return x;
  }
}
