package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Tensor;

/**
 * {@code scale · x + shift}, elementwise with constants. Input: x, of any shape.
 *
 * @param scale factor
 * @param shift summand
 */
public record Affine(double scale, double shift) implements Operation {

  /** scale · x + shift. */
  public static Tensor affine(Tensor x, double scale, double shift) {
    Require.floating("affine", x);
    return Operation.apply(new Affine(scale, shift), x);
  }

  /** scale · x. */
  public static Tensor scale(Tensor x, double scale) {
    Require.floating("scale", x);
    return Operation.apply(new Affine(scale, 0), x);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor y = in[0].like();
    in[0].backend().affine(in[0], scale, shift, y);
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    if (scale == 1) {
      return new Tensor[] {dy};
    }
    Tensor dx = dy.like();
    dy.backend().affine(dy, scale, 0, dx);
    return new Tensor[] {dx};
  }
}
