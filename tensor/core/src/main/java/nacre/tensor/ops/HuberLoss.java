package nacre.tensor.ops;

import static nacre.tensor.ops.Activation.relu;
import static nacre.tensor.ops.Affine.affine;
import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Mix.mix;
import static nacre.tensor.ops.Reduce.mean;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/** The loss that is quadratic near zero and linear far from it (Huber 1964), composed in f32. */
public final class HuberLoss {
  private HuberLoss() {}

  /**
   * The mean over d = |a − b| of d² / 2 where d ≤ δ, else δ · (d − δ / 2); an f32 scalar.
   *
   * @param delta δ, above zero
   * @throws IllegalArgumentException if the shapes, dtypes or devices differ, or δ is not above
   *     zero
   */
  public static Tensor huberLoss(Tensor a, Tensor b, double delta) {
    if (!(delta > 0)) {
      throw new IllegalArgumentException("huberLoss: delta = " + delta + " is not above zero");
    }
    if (delta > Float.MAX_VALUE) {
      throw new IllegalArgumentException("huberLoss: delta = " + delta + " does not fit f32");
    }
    try (Scope scope = Scope.open()) {
      Tensor d = AbsoluteError.distance("huberLoss", a, b);
      Tensor near = mix(d, 1, relu(affine(d, 1, -delta)), -1); // min(d, delta), exact below
      return scope.keep(mean(multiply(near, mix(d, 1, near, -0.5))));
    }
  }
}
