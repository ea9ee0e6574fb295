package nacre.nn;

import static nacre.nn.ComputeType.match;
import static nacre.tensor.ops.LayerNormalisation.layerNorm;

import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Normalisation over the last axis (Ba et al., 2016), {@code [.., C] → [.., C]}. Parameters {@code
 * weight [C]} and {@code bias [C]}.
 */
public final class LayerNorm {
  private final Tensor weight;
  private final Tensor bias;
  private final double eps;

  /** PyTorch's eps, 1e-5. */
  public LayerNorm(Parameters p, int channels) {
    this(p, channels, 1e-5);
  }

  /** Begins as the plain normalisation: weight 1, bias 0. */
  public LayerNorm(Parameters p, int channels, double eps) {
    this.weight = p.parameter("weight", Shape.of(channels), Initialiser.ones());
    this.bias = p.parameter("bias", Shape.of(channels), Initialiser.zeros());
    this.eps = eps;
  }

  /** {@code x [.., C] → [.., C]}. */
  public Tensor forward(Tensor x) {
    return layerNorm(x, match(weight, x), match(bias, x), eps);
  }
}
