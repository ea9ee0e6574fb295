package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Tensor;

/** Exponentials normalized to sum to one over the last axis. Input: x. */
public record Softmax() implements Operation {

  /** x {@code [.., C]} → {@code [.., C]}. */
  public static Tensor softmax(Tensor x) {
    Require.floating("softmax", x);
    Require.atLeast("softmax", "input", x, 1, "[.., C]");
    return Operation.apply(new Softmax(), x);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor y = in[0].like();
    in[0].backend().softmax(in[0], y);
    context.save(y);
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor dx = dy.like();
    dy.backend().softmaxBackward(context.saved(0), dy, dx);
    return new Tensor[] {dx};
  }
}
