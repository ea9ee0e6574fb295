package nacre.tools.verify;

import nacre.tensor.DType;

/**
 * Largest relative errors that pass.
 *
 * @param outputs of outputs
 * @param gradients of gradients
 */
record Tolerance(double outputs, double gradients) {

  /**
   * What a bundle allows, and in bfloat16 at least what its 8 bits of mantissa leave after the
   * layers of a network: 2e-2 of an output, and 2e-1 of a gradient. PyTorch's own bfloat16 differs
   * by as much from its float32 on the same bundles.
   */
  static Tolerance of(Case description, DType dtype) {
    double exact = description.tolerance();
    return dtype == DType.BF16
        ? new Tolerance(Math.max(exact, 2e-2), Math.max(exact, 2e-1))
        : new Tolerance(exact, exact);
  }
}
