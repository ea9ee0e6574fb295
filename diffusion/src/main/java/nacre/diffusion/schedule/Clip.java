package nacre.diffusion.schedule;

import static nacre.tensor.ops.Activation.relu;
import static nacre.tensor.ops.Affine.affine;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/** Elements kept within plus and minus a range. */
final class Clip {
  private Clip() {}

  /** min(max(x, −range), range) of x, elementwise, rounded at the size of the range. */
  static Tensor clip(Tensor x, double range) {
    try (Scope scope = Scope.open()) {
      Tensor belowTop = relu(affine(x, -1, range)); // range − min(x, range)
      Tensor aboveBottom = relu(affine(belowTop, -1, 2 * range)); // clipped + range
      return scope.hand(affine(aboveBottom, 1, -range));
    }
  }
}
