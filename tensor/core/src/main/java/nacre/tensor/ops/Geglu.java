package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Tensor;

/** The gate of a GEGLU feed-forward block (Shazeer 2020). Input: x. */
public record Geglu() implements Operation {

  /** x {@code [.., 2C]} → {@code [.., C]}: {@code x[.., :C] · gelu(x[.., C:])}. */
  public static Tensor geglu(Tensor x) {
    Require.floating("geglu", x);
    Require.atLeast("geglu", "input", x, 1, "[.., 2C]");
    if (x.dim(-1) % 2 != 0) {
      throw new IllegalArgumentException(
          "geglu: input " + x.describe() + " has " + x.dim(-1) + " features, wants an even number");
    }
    return Operation.apply(new Geglu(), x);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor x = in[0];
    Tensor y = x.like(x.shape().with(-1, x.dim(-1) / 2));
    x.backend().geglu(x, y);
    context.save(x);
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor dx = context.saved(0).like();
    dy.backend().gegluBackward(context.saved(0), dy, dx);
    return new Tensor[] {dx};
  }
}
