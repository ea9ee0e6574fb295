package nacre.tensor.cpu.engine;

import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/**
 * The operations that a library does better than loops in Java: matrix products, convolutions, and
 * normalizations of rows. Arguments are as in {@link nacre.tensor.spi.Backend}.
 */
public interface MatrixEngine {
  /** Name and version, for the start-up line. */
  String describe();

  /** Whether it computes with elements of this type. */
  boolean supports(DType dtype);

  /** Whether the activation can be applied to a result before it is written. */
  boolean fuses(Unary f);

  /** y = x in y's type, one of f32 and bf16 each. */
  void convert(Tensor x, Tensor y);

  void matmul(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor bias, Unary f, Tensor y);

  /**
   * y [.., O] = f(x [.., I] · w [O, I]ᵀ + bias [O]), then combined with another tensor of y's
   * shape.
   *
   * @param bias nullable
   * @param f one that {@link #fuses}, or null
   * @param then how to combine; null for not
   */
  void linear(Tensor x, Tensor w, Tensor bias, Unary f, Binary then, Tensor other, Tensor y);

  void linearWeightGradient(Tensor x, Tensor dy, Tensor dw, Tensor db);

  void conv2d(Tensor x, Tensor w, Tensor bias, Tensor residual, Unary f, Window window, Tensor y);

  void conv2dInputGradient(Tensor dy, Tensor w, Window window, Tensor dx);

  void conv2dWeightGradient(Tensor x, Tensor dy, Window window, Tensor dw, Tensor db);

  /** Makes a kernel [O, 4, 4, I] from one [O, 3, 3, I] of the same dtype. */
  interface KernelEnlarger {
    void enlarge(long three, long four, DType dtype, int out, int in);
  }

  /**
   * y [N, 2H, 2W, O] = the transposed convolution of x [N, H, W, I], with stride 2 and padding 1,
   * by what {@code enlarger} makes of w [O, 3, 3, I], + bias [O], nullable. A prepacked w keeps it.
   *
   * @param enlarger the same at every call
   */
  void transposedConv2d(Tensor x, Tensor w, KernelEnlarger enlarger, Tensor bias, Tensor y);

  /**
   * What attention is made of, for use by one thread until it is closed.
   *
   * @param member whether that thread is a member of a team, all of whom compute, or alone
   */
  HeadEngine heads(boolean member);

  /**
   * y [rows, columns] = f(x · scale [columns] + shift [columns]), at these addresses; scale and
   * shift f32.
   *
   * @param f one that {@link #fuses}, or null
   */
  void scaleShift(
      long x, DType dtype, long rows, int columns, long scale, long shift, Unary f, long y);

  /**
   * y [rows, columns] = f(a, b), at these addresses. y may be a.
   *
   * @param repeated whether b is one row, which meets all rows of a
   */
  void binary(
      Binary f, long a, long b, boolean repeated, DType dtype, long rows, int columns, long y);

  /**
   * Layer normalization; gives the variance, not its inverse root. Gamma and beta are f32, whatever
   * x is.
   */
  void layerNorm(
      Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor variance);

  /** Gradients of {@link #layerNorm}; eps as it was there. */
  void layerNormBackward(
      Tensor x,
      Tensor gamma,
      Tensor mean,
      Tensor variance,
      double eps,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta);
}
