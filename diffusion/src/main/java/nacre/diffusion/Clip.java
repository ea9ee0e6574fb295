package nacre.diffusion;

import static nacre.tensor.ops.Activation.relu;
import static nacre.tensor.ops.Affine.affine;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/** Elements kept within a range. */
public final class Clip {
  private Clip() {}

  /** min(max(x, low), high), elementwise, rounded at the size of the range. */
  public static Tensor clip(Tensor x, double low, double high) {
    try (Scope scope = Scope.open()) {
      Tensor belowTop = relu(affine(x, -1, high)); // high − min(x, high)
      Tensor aboveBottom = relu(affine(belowTop, -1, high - low)); // clipped − low
      return scope.hand(affine(aboveBottom, 1, low));
    }
  }
}
