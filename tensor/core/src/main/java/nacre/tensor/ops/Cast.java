package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.DType;
import nacre.tensor.Operation;
import nacre.tensor.Tensor;

/**
 * Another element type. Input: x, of any shape.
 *
 * @param from dtype of x
 * @param to dtype of the result
 */
public record Cast(DType from, DType to) implements Operation {

  /**
   * The elements of x in another dtype, rounded to nearest even; x itself where that is its dtype.
   * A cast to integers ends the flow of gradients.
   */
  public static Tensor cast(Tensor x, DType to) {
    if (x.dtype() == to) {
      return x;
    }
    if (!to.isFloating()) {
      return converted(x, to);
    }
    return Operation.apply(new Cast(x.dtype(), to), x);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor shared = context.sharedCast(in[0], to);
    return shared == null ? converted(in[0], to) : shared;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    return new Tensor[] {converted(dy, from)};
  }

  private static Tensor converted(Tensor x, DType to) {
    Tensor y = Tensor.empty(x.device(), to, x.shape());
    x.backend().cast(x, y);
    return y;
  }
}
