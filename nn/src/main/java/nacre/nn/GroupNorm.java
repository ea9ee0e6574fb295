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
    return normalize(x, false);
  }

  /** silu of {@link #forward}, in one pass. */
  public Tensor forwardSilu(Tensor x) {
    return normalize(x, true);
  }

  private Tensor normalize(Tensor x, boolean silu) {
    TiledMoments tiled = TiledMoments.current();
    return tiled == null ? apply(x, silu) : tiled.normalize(this, x, silu);
  }

  /** Normalized by x's own moments. */
  Tensor apply(Tensor x, boolean silu) {
    return apply(x, match(weight, x), match(bias, x), silu);
  }

  /**
   * What is done with each group after it is normalized and before weight and bias.
   *
   * @param factor of each group
   * @param offset of each group
   */
  record Change(double[] factor, double[] offset) {}

  /** Normalized by x's own moments, changed, then weighted; for no tape. */
  Tensor apply(Tensor x, boolean silu, Change change) {
    float[] factors = weight.toFloats();
    float[] offsets = bias.toFloats();
    int each = factors.length / groups;
    for (int c = 0; c < factors.length; c++) {
      offsets[c] += (float) (factors[c] * change.offset[c / each]);
      factors[c] *= (float) change.factor[c / each];
    }
    Tensor changedWeight = Tensor.of(x.device(), weight.shape(), factors);
    Tensor changedBias = Tensor.of(x.device(), bias.shape(), offsets);
    return apply(x, match(changedWeight, x), match(changedBias, x), silu);
  }

  private Tensor apply(Tensor x, Tensor gamma, Tensor beta, boolean silu) {
    return silu
        ? groupNormSilu(x, gamma, beta, groups, eps)
        : groupNorm(x, gamma, beta, groups, eps);
  }

  int groups() {
    return groups;
  }

  double eps() {
    return eps;
  }
}
