package nacre.neuralassets.autoencoder;

import static nacre.tensor.ops.AbsoluteError.meanAbsoluteError;
import static nacre.tensor.ops.Activation.exp;
import static nacre.tensor.ops.Activation.square;
import static nacre.tensor.ops.Affine.affine;
import static nacre.tensor.ops.Affine.scale;
import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Arithmetic.subtract;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.MeanSquaredError.meanSquaredError;
import static nacre.tensor.ops.Reduce.mean;
import static nacre.tensor.ops.Slice.slice;

import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.LatentDistribution;
import nacre.neuralassets.model.AutoencoderPreset.Losses;
import nacre.nn.vision.Lpips;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * The training objective of an autoencoder: errors of the pictures decoded from a sample of the
 * latent distribution, and the distribution's divergence from the standard normal one (Kingma and
 * Welling, "Auto-Encoding Variational Bayes", 2014; Rombach et al., 2022, section 3.1, without its
 * discriminator).
 *
 * @param vae the model
 * @param losses the weights of the terms
 * @param lpips the network of the perceptual distance; null where that is no term
 * @param compute the type of the model's activations
 */
record AutoencoderObjective(AutoencoderKL vae, Losses losses, Lpips lpips, DType compute) {

  /**
   * The loss, an f32 scalar. It does not involve the host.
   *
   * @param images {@code [B, S, S, 3]} in [−1, 1]
   * @param noise standard normal, {@code [B, s, s, c]}
   */
  Tensor loss(Tensor images, Tensor noise) {
    return Scope.tidy(
        () -> {
          LatentDistribution latents =
              new LatentDistribution(in(DType.F32, vae.encode(in(compute, images)).moments()));
          Tensor drawn = in(DType.F32, vae.decode(in(compute, latents.sample(noise))));
          Tensor loss = null;
          loss = plus(loss, losses.absolute(), () -> meanAbsoluteError(drawn, images));
          loss = plus(loss, losses.squared(), () -> meanSquaredError(drawn, images));
          loss = plus(loss, losses.gradient(), () -> gradientError(drawn, images));
          loss = plus(loss, losses.kl(), () -> divergence(latents));
          double perceptual = lpips == null ? 0 : losses.lpips().orElseThrow().weight();
          return plus(loss, perceptual, () -> perceptualError(drawn, images));
        });
  }

  private interface Term {
    Tensor get();
  }

  private static Tensor plus(Tensor sum, double weight, Term term) {
    if (weight == 0) {
      return sum;
    }
    Tensor weighted = scale(term.get(), weight);
    return sum == null ? weighted : add(sum, weighted);
  }

  /** The mean absolute error of the differences between neighbors, along both axes. */
  private static Tensor gradientError(Tensor drawn, Tensor images) {
    return add(
        meanAbsoluteError(differences(drawn, 1), differences(images, 1)),
        meanAbsoluteError(differences(drawn, 2), differences(images, 2)));
  }

  private Tensor perceptualError(Tensor drawn, Tensor images) {
    return mean(lpips.distance(in(compute, drawn), in(compute, images)));
  }

  private static Tensor differences(Tensor x, int axis) {
    int length = x.dim(axis) - 1;
    return subtract(slice(x, axis, 1, length), slice(x, axis, 0, length));
  }

  /** ½ (μ² + σ² − 1 − log σ²), the mean over the latent's elements. */
  private static Tensor divergence(LatentDistribution latents) {
    Tensor logarithm = latents.logVariance();
    Tensor squares = add(square(latents.mode()), exp(logarithm));
    return mean(scale(subtract(squares, affine(logarithm, 1, 1)), 0.5));
  }

  private static Tensor in(DType dtype, Tensor x) {
    return x.dtype() == dtype ? x : cast(x, dtype);
  }
}
