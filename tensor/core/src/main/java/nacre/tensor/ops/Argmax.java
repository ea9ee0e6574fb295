package nacre.tensor.ops;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/** Where the largest element of a row stands. Not differentiable. */
public final class Argmax {
  private Argmax() {}

  /**
   * x {@code [.., C]} → i32 {@code [..]}, each in 0 to C − 1: the first of equals; what is not a
   * number stands above all.
   *
   * @throws IllegalArgumentException if x has no axis, or a last axis of none
   */
  public static Tensor argmax(Tensor x) {
    Require.floating("argmax", x);
    Require.atLeast("argmax", "input", x, 1, "[.., C]");
    if (x.dim(-1) == 0) {
      throw new IllegalArgumentException(
          "argmax: the last axis of " + x.describe() + " has no elements");
    }
    int[] extents = x.shape().toArray();
    Shape rows = Shape.of(Arrays.copyOf(extents, extents.length - 1));
    Tensor y = Tensor.empty(x.device(), DType.I32, rows);
    x.backend().argmax(x, y);
    return y;
  }
}
