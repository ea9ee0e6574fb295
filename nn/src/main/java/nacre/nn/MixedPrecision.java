package nacre.nn;

import static nacre.tensor.ops.Cast.cast;

import nacre.tensor.Tensor;

/**
 * Mixed precision: layers compute in the dtype of their input, whatever their parameters are stored
 * in. The cast is differentiable, so the gradient of an f32 master weight arrives in f32.
 */
final class MixedPrecision {
  private MixedPrecision() {}

  /**
   * The parameter in x's dtype: itself, or a copy in the current scope.
   *
   * @param parameter nullable, and then the result is null
   */
  static Tensor match(Tensor parameter, Tensor x) {
    return parameter == null ? null : cast(parameter, x.dtype());
  }
}
