package nacre.diffusion.schedule;

import static nacre.tensor.ops.Affine.scale;
import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/** A tensor with its factor in a linear combination. */
record WeightedTensor(double factor, Tensor tensor) {

  /**
   * The linear combination, added up from left to right, of one shape. A factor of 0 counts for
   * nothing, whatever its tensor holds; the first must be another.
   */
  static Tensor sum(WeightedTensor first, WeightedTensor... others) {
    try (Scope scope = Scope.open()) {
      Tensor sum = scale(first.tensor, first.factor);
      for (WeightedTensor term : others) {
        if (term.factor != 0) {
          sum = mix(sum, 1, term.tensor, term.factor);
        }
      }
      return scope.keep(sum);
    }
  }
}
