package nacre.tensor.ops;

import static nacre.tensor.ops.Activation.relu;
import static nacre.tensor.ops.Affine.affine;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/** Elements limited to a range. */
public final class Clamp {
  private Clamp() {}

  /** min(max(x, low), high), elementwise, rounded at the size of the range; the shape of x. */
  public static Tensor clamp(Tensor x, double low, double high) {
    try (Scope scope = Scope.open()) {
      Tensor belowTop = relu(affine(x, -1, high)); // high − min(x, high)
      Tensor aboveBottom = relu(affine(belowTop, -1, high - low)); // clamped − low
      return scope.keep(affine(aboveBottom, 1, low));
    }
  }
}
