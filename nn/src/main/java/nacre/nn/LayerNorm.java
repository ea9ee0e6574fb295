package nacre.nn;

import static nacre.nn.MixedPrecision.match;
import static nacre.tensor.ops.LayerNormalization.layerNorm;

import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Normalization over the last axis (Ba et al., 2016), {@code [.., C] → [.., C]}. Parameters {@code
 * weight [C]} and {@code bias [C]}.
 */
public final class LayerNorm implements Layer {
  private final Tensor weight;
  private final Tensor bias;
  private final double eps;

  /** PyTorch's eps, 1e-5. */
  public LayerNorm(Parameters p, int channels) {
    this(p, channels, 1e-5);
  }

  /** Begins as the plain normalization: weight 1, bias 0. */
  public LayerNorm(Parameters p, int channels, double eps) {
    Sizes.of("LayerNorm", p).positive("channels", channels).eps(eps);
    this.weight = p.parameter("weight", Shape.of(channels), Initializer.ones());
    this.bias = p.parameter("bias", Shape.of(channels), Initializer.zeros());
    this.eps = eps;
  }

  /** {@code x [.., C] → [.., C]}. */
  @Override
  public Tensor forward(Tensor x) {
    return layerNorm(x, match(weight, x), match(bias, x), eps);
  }
}
