package nacre.tensor.ops;

import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Binary;

/**
 * Masks from comparisons of two tensors that broadcast to each other: 1 where it holds, else 0, in
 * the operands' dtype. Not differentiable; {@link Where} chooses by them.
 */
public final class Comparison {
  private Comparison() {}

  /** Where a = b. */
  public static Tensor equal(Tensor a, Tensor b) {
    return compare("equal", Binary.EQUAL, a, b);
  }

  /** Where a &lt; b. */
  public static Tensor less(Tensor a, Tensor b) {
    return compare("less", Binary.LESS, a, b);
  }

  private static Tensor compare(String name, Binary f, Tensor a, Tensor b) {
    Require.alike(name, a, b);
    Tensor y = a.like(Shape.broadcast(name, a.shape(), b.shape()));
    a.backend().binary(f, a, b, y);
    return y;
  }
}
