package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Tensor;

/**
 * A linear map and the gate behind it, {@code geglu(x · wᵀ + bias)}: the first half of a GEGLU
 * feed-forward block (Shazeer 2020). Inputs: x, w, bias (nullable).
 */
public record LinearGeglu() implements Operation {

  /**
   * x {@code [.., I]}, w {@code [2C, I]} → {@code [.., C]}. The wide result of the linear map is
   * kept only where a backward follows.
   *
   * @param bias {@code [2C]}, nullable
   * @throws IllegalArgumentException if shapes, dtypes or devices do not fit
   */
  public static Tensor geglu(Tensor x, Tensor w, Tensor bias) {
    Linear.check("geglu", x, w, bias);
    if (w.dim(0) % 2 != 0) {
      throw new IllegalArgumentException(
          "geglu: weight " + w.describe() + " has " + w.dim(0) + " rows, wants an even number");
    }
    return Operation.apply(new LinearGeglu(), x, w, bias);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor x = in[0];
    Tensor w = in[1];
    Tensor y = x.like(x.shape().with(-1, w.dim(0) / 2));
    if (!context.recording()) {
      x.backend().linearGeglu(x, w, in[2], y);
      return y;
    }
    try (Tensor z = x.like(x.shape().with(-1, w.dim(0)))) {
      x.backend().linear(x, w, in[2], null, null, z);
      x.backend().geglu(z, y);
      context.save(context.needs(1) ? x : null, context.needs(0) ? w : null, z);
    }
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor z = context.saved(2);
    Tensor dz = z.like();
    dy.backend().gegluBackward(z, dy, dz);
    return Linear.gradients(context, context.saved(0), context.saved(1), dz);
  }
}
