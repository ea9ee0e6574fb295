package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.DType;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.LayerNormInputs;
import nacre.tensor.spi.NormGradients;
import nacre.tensor.spi.NormStatistics;

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
    Shape rows = Shape.of(x.shape().folded("layerNorm", 0, x.shape().rank() - 1));
    try (Tensor mean = Tensor.empty(x.device(), DType.F32, rows);
        Tensor rstd = Tensor.empty(x.device(), DType.F32, rows)) {
      x.backend()
          .layerNorm(new LayerNormInputs(x, in[1], in[2], eps), y, new NormStatistics(mean, rstd));
      context.save(x, in[1], in[2], mean, rstd);
    }
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor gamma = context.saved(1);
    NormGradients d = new NormGradients(dy.like(), gamma.like(), gamma.like());
    dy.backend()
        .layerNormBackward(
            new LayerNormInputs(context.saved(0), gamma, context.saved(2), eps),
            new NormStatistics(context.saved(3), context.saved(4)),
            dy,
            d);
    return new Tensor[] {
      context.needs(0) ? d.dx() : null,
      context.needs(1) ? d.dgamma() : null,
      context.needs(2) ? d.dbeta() : null
    };
  }
}
