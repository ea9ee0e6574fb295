package nacre.nn;

import static nacre.nn.MixedPrecision.match;
import static nacre.tensor.ops.GroupNormalization.groupNorm;
import static nacre.tensor.ops.GroupNormalization.groupNormSilu;

import nacre.tensor.Shape;
import nacre.tensor.Tensor;

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
    return groupNorm(x, match(weight, x), match(bias, x), groups, eps);
  }

  /** silu of {@link #forward}, in one pass. */
  public Tensor forwardSilu(Tensor x) {
    return groupNormSilu(x, match(weight, x), match(bias, x), groups, eps);
  }
}
