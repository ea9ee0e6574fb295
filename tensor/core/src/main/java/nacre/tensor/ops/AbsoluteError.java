package nacre.tensor.ops;

import static nacre.tensor.ops.Activation.abs;
import static nacre.tensor.ops.Arithmetic.subtract;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Reduce.mean;

import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/** Losses of the distance between two tensors of one shape, composed of others in f32. */
public final class AbsoluteError {
  private AbsoluteError() {}

  /**
   * The mean of |a − b|, an f32 scalar: the L1 loss.
   *
   * @throws IllegalArgumentException if the shapes, dtypes or devices differ
   */
  public static Tensor meanAbsoluteError(Tensor a, Tensor b) {
    try (Scope scope = Scope.open()) {
      return scope.keep(mean(distance("meanAbsoluteError", a, b)));
    }
  }

  /** |a − b| in f32. */
  static Tensor distance(String name, Tensor a, Tensor b) {
    Require.alike(name, a, b);
    if (!a.shape().equals(b.shape())) {
      throw new IllegalArgumentException(
          name + ": shapes of " + a.describe() + " and " + b.describe() + " must be equal");
    }
    return abs(subtract(cast(a, DType.F32), cast(b, DType.F32)));
  }
}
