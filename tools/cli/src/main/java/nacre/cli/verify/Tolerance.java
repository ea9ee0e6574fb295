package nacre.cli.verify;

import nacre.tensor.DType;

/**
 * The largest relative errors that pass.
 *
 * @param outputs of outputs
 * @param gradients of gradients
 * @param floor the smallest divisor of a gradient's error, as a part of the bundle's largest
 *     gradient
 */
record Tolerance(double outputs, double gradients, double floor) {
  /** Some gradients are mathematically zero, such as that of an attention key's bias. */
  static final double ZERO = 1e-3;

  /** The same for all. */
  static Tolerance of(double error) {
    return new Tolerance(error, error, ZERO);
  }

  /**
   * The tolerance of a bundle, in bfloat16 at least 2e-2. The gradients of a whole model are the
   * exception there: they have been rounded to 8 bits some hundred times, and where sums cancel
   * little is left of them. So they may be off by 1e-1, and those below a tenth of the largest by
   * as much as that tenth may. PyTorch's own bfloat16 comes to the same on the same bundles.
   *
   * @param model whether the bundle is of a whole model
   */
  static Tolerance of(Case description, DType dtype, boolean model) {
    double exact = description.tolerance();
    if (dtype != DType.BF16) {
      return of(exact);
    }
    double rounded = Math.max(exact, 2e-2);
    return model ? new Tolerance(rounded, Math.max(exact, 1e-1), 1e-1) : of(rounded);
  }
}
