package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.DType;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.GroupNormInputs;
import nacre.tensor.spi.NormGradients;
import nacre.tensor.spi.NormStatistics;

/**
 * Normalization over groups of channels (Wu &amp; He 2018), optionally with SiLU in the same pass.
 * Inputs: x, gamma, beta.
 *
 * @param groups how many groups the channels fall into
 * @param eps added to the variance
 * @param silu whether {@code x · sigmoid(x)} follows
 */
public record GroupNormalization(int groups, double eps, boolean silu) implements Operation {

  /**
   * x {@code [N, .., C]} → {@code [N, .., C]}.
   *
   * @param gamma {@code [C]}
   * @param beta {@code [C]}
   * @throws IllegalArgumentException if shapes, dtypes or devices do not fit
   */
  public static Tensor groupNorm(Tensor x, Tensor gamma, Tensor beta, int groups, double eps) {
    return groupNorm("groupNorm", x, gamma, beta, new GroupNormalization(groups, eps, false));
  }

  /** {@link #groupNorm} and then {@code x · sigmoid(x)}, fused. */
  public static Tensor groupNormSilu(Tensor x, Tensor gamma, Tensor beta, int groups, double eps) {
    return groupNorm("groupNormSilu", x, gamma, beta, new GroupNormalization(groups, eps, true));
  }

  private static Tensor groupNorm(
      String name, Tensor x, Tensor gamma, Tensor beta, GroupNormalization operation) {
    Require.alike(name, x, gamma, beta);
    Require.atLeast(name, "input", x, 2, "[N, .., C]");
    int channels = x.dim(-1);
    if (operation.groups < 1 || channels % operation.groups != 0) {
      throw new IllegalArgumentException(
          name
              + ": input "
              + x.describe()
              + " has "
              + channels
              + " channels, which do not fall into "
              + operation.groups
              + " groups");
    }
    Require.vector(name, "gamma", gamma, channels, "the channels of input " + x.describe());
    Require.vector(name, "beta", beta, channels, "the channels of input " + x.describe());
    return Operation.apply(operation, x, gamma, beta);
  }

  /**
   * The mean and 1 / √(variance + eps) of each group of x {@code [N, .., C]}, {@code f32 [N,
   * groups]} each, for no tape.
   */
  public static NormStatistics statistics(Tensor x, int groups, double eps) {
    Shape shape = Shape.of(x.dim(0), groups);
    Tensor mean = Tensor.empty(x.device(), DType.F32, shape);
    Tensor rstd = Tensor.empty(x.device(), DType.F32, shape);
    NormStatistics found = new NormStatistics(mean, rstd);
    x.backend().groupNormStatistics(x, groups, eps, found);
    return found;
  }

  /** Normalizes by statistics that are given, for no tape; all else as {@link #groupNorm}. */
  public Tensor normalize(Tensor x, Tensor gamma, Tensor beta, NormStatistics statistics) {
    Tensor y = x.like();
    x.backend().groupNormApply(operands(x, gamma, beta), statistics, y);
    return y;
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor x = in[0];
    Tensor y = x.like();
    Shape statistics = Shape.of(x.dim(0), groups);
    try (Tensor mean = Tensor.empty(x.device(), DType.F32, statistics);
        Tensor rstd = Tensor.empty(x.device(), DType.F32, statistics)) {
      x.backend().groupNorm(operands(x, in[1], in[2]), y, new NormStatistics(mean, rstd));
      context.save(x, in[1], in[2], mean, rstd);
    }
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor gamma = context.saved(1);
    Tensor beta = context.saved(2);
    NormGradients d = new NormGradients(dy.like(), gamma.like(), beta.like());
    dy.backend()
        .groupNormBackward(
            operands(context.saved(0), gamma, beta),
            new NormStatistics(context.saved(3), context.saved(4)),
            dy,
            d);
    return new Tensor[] {
      context.needs(0) ? d.dx() : null,
      context.needs(1) ? d.dgamma() : null,
      context.needs(2) ? d.dbeta() : null
    };
  }

  private GroupNormInputs operands(Tensor x, Tensor gamma, Tensor beta) {
    return new GroupNormInputs(x, gamma, beta, groups, eps, silu);
  }
}
