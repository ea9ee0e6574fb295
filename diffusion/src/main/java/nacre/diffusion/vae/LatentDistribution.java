package nacre.diffusion.vae;

import static nacre.tensor.ops.Activation.exp;
import static nacre.tensor.ops.Affine.scale;
import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Clamp.clamp;
import static nacre.tensor.ops.Slice.slice;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * The distribution that an image is encoded as: a normal distribution for each element of the
 * latent.
 *
 * @param moments {@code [N, h, w, 2C]}, the means followed by the logarithms of the variances
 */
public record LatentDistribution(Tensor moments) {

  /** The means, {@code [N, h, w, C]}: the mode of the distribution. */
  public Tensor mode() {
    return slice(moments, 3, 0, moments.dim(3) / 2);
  }

  /** The logarithms of the variances, {@code [N, h, w, C]}, clamped to −30 … 20. */
  public Tensor logVariance() {
    int channels = moments.dim(3) / 2;
    return clamp(slice(moments, 3, channels, channels), -30, 20);
  }

  /**
   * A sample, mean + √variance · noise, {@code [N, h, w, C]}.
   *
   * @param noise standard normal, {@code [N, h, w, C]}
   */
  public Tensor sample(Tensor noise) {
    return Scope.tidy(
        () -> {
          Tensor deviation = exp(scale(logVariance(), 0.5));
          return add(mode(), multiply(deviation, noise));
        });
  }
}
