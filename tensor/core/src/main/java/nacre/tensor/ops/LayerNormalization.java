package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.DType;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Normalization over the last axis (Ba et al. 2016). Inputs: x, gamma, beta.
 *
 * @param eps added to the variance
 */
public record LayerNormalization(double eps) implements Operation {

  /**
   * x {@code [.., C]} → {@code [.., C]}.
   *
   * @param gamma {@code [C]}
   * @param beta {@code [C]}
   * @throws IllegalArgumentException if shapes, dtypes or devices do not fit
   */
  public static Tensor layerNorm(Tensor x, Tensor gamma, Tensor beta, double eps) {
    Require.alike("layerNorm", x, gamma, beta);
    Require.atLeast("layerNorm", "input", x, 1, "[.., C]");
    Require.vector(
        "layerNorm", "gamma", gamma, x.dim(-1), "the last axis of input " + x.describe());
    Require.vector("layerNorm", "beta", beta, x.dim(-1), "the last axis of input " + x.describe());
    return Operation.apply(new LayerNormalization(eps), x, gamma, beta);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor x = in[0];
    Tensor y = x.like();
    Shape rows = Shape.of(Math.toIntExact(x.shape().elements(0, x.shape().rank() - 1)));
    try (Tensor mean = Tensor.empty(x.device(), DType.F32, rows);
        Tensor rstd = Tensor.empty(x.device(), DType.F32, rows)) {
      x.backend().layerNorm(x, in[1], in[2], eps, y, mean, rstd);
      context.save(x, in[1], mean, rstd);
    }
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor gamma = context.saved(1);
    Tensor dx = dy.like();
    Tensor dgamma = gamma.like();
    Tensor dbeta = gamma.like();
    dy.backend()
        .layerNormBackward(
            context.saved(0), gamma, context.saved(2), context.saved(3), dy, dx, dgamma, dbeta);
    return new Tensor[] {
      context.needs(0) ? dx : null,
      context.needs(1) ? dgamma : null,
      context.needs(2) ? dbeta : null
    };
  }
}
