package nacre.nn;

import static nacre.nn.MixedPrecision.match;
import static nacre.tensor.ops.GroupNormalization.groupNorm;
import static nacre.tensor.ops.GroupNormalization.groupNormSilu;

import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.GroupNormalization;
import nacre.tensor.spi.NormStatistics;

/**
 * Normalization over groups of channels (Wu and He, 2018), {@code [N, .., C] → [N, .., C]}.
 * Parameters {@code weight [C]} and {@code bias [C]}.
 */
public final class GroupNorm implements Layer {
  private final Tensor weight;
  private final Tensor bias;
  private final int groups;
  private final double eps;

  /** Begins as the plain normalization: weight 1, bias 0. */
  public GroupNorm(Parameters p, int groups, int channels, double eps) {
    Sizes.of("GroupNorm", p).multiple("channels", channels, "groups", groups).eps(eps);
    this.weight = p.parameter("weight", Shape.of(channels), Initializer.ones());
    this.bias = p.parameter("bias", Shape.of(channels), Initializer.zeros());
    this.groups = groups;
    this.eps = eps;
  }

  /** {@code x [N, .., C] → [N, .., C]}. */
  @Override
  public Tensor forward(Tensor x) {
    return normalize(x, false);
  }

  /** silu of {@link #forward}, in one pass. */
  public Tensor forwardSilu(Tensor x) {
    return normalize(x, true);
  }

  private Tensor normalize(Tensor x, boolean silu) {
    TiledMoments tiled = TiledMoments.current();
    if (tiled != null) {
      return tiled.normalize(this, x, silu);
    }
    Tensor gamma = match(weight, x);
    Tensor beta = match(bias, x);
    return silu
        ? groupNormSilu(x, gamma, beta, groups, eps)
        : groupNorm(x, gamma, beta, groups, eps);
  }

  /** Normalized by moments that are given, for no tape. */
  Tensor apply(Tensor x, NormStatistics moments, boolean silu) {
    return new GroupNormalization(groups, eps, silu)
        .normalize(x, match(weight, x), match(bias, x), moments);
  }

  int groups() {
    return groups;
  }

  double eps() {
    return eps;
  }
}
