package nacre.neuralassets.model;

import static nacre.tensor.ops.Activation.sqrt;
import static nacre.tensor.ops.Activation.square;
import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Reduce.mean;
import static nacre.tensor.ops.SpaceToDepth.depthToSpace;
import static nacre.tensor.ops.SpaceToDepth.spaceToDepth;

import java.util.Collections;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.LatentDistribution;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/** The space in which the UNet denoises, and the maps between it and images. */
public sealed interface SampleSpace {

  /**
   * Images {@code [B, S, S, 3]} in [−1, 1] to samples {@code [B, s, s, c]}.
   *
   * @param noise standard normal, of the samples' shape, with which a sample is drawn where images
   *     are encoded as a distribution; null for its mode
   */
  Tensor toSamples(Tensor images, Tensor noise);

  /** Samples {@code [B, s, s, c]} to images {@code [B, S, S, 3]}, about [−1, 1]. */
  Tensor toImages(Tensor samples);

  /**
   * Factors on the errors of images {@code [B, S, S, 3]} to factors on the errors of samples {@code
   * [B, s, s, c]}. The mean square of each image's factors stays what it is.
   *
   * @param weights at least 0, the same for all colors of a pixel
   */
  Tensor toErrorWeights(Tensor weights);

  /**
   * Pixels, in square blocks folded into channels.
   *
   * @param factor side of the blocks; pixel (factor · y + dy, factor · x + dx), color c, is at (y,
   *     x), channel (dy · factor + dx) · 3 + c
   */
  record FoldedPixels(int factor) implements SampleSpace {
    @Override
    public Tensor toSamples(Tensor images, Tensor noise) {
      return factor == 1 ? images.detach() : spaceToDepth(images, factor);
    }

    @Override
    public Tensor toImages(Tensor samples) {
      return factor == 1 ? samples.detach() : depthToSpace(samples, factor);
    }

    /** Every number of a sample is one of a pixel, and has its factor. */
    @Override
    public Tensor toErrorWeights(Tensor weights) {
      return toSamples(weights, null);
    }
  }

  /**
   * The latents of an autoencoder, as in the paper.
   *
   * @param vae not trained
   */
  record Latents(AutoencoderKL vae) implements SampleSpace {
    @Override
    public Tensor toSamples(Tensor images, Tensor noise) {
      return Scope.tidy(
          () -> {
            LatentDistribution latents = vae.encode(images);
            return vae.toDiffusion(noise == null ? latents.mode() : latents.sample(noise));
          });
    }

    @Override
    public Tensor toImages(Tensor samples) {
      return Scope.tidy(() -> vae.decode(vae.fromDiffusion(samples)));
    }

    /**
     * How often an error counts, the square of its factor, is for a latent the mean over the pixels
     * that it stands for.
     */
    @Override
    public Tensor toErrorWeights(Tensor weights) {
      int channels = vae.config().latentChannels();
      return Scope.tidy(
          () -> {
            Tensor pixels = spaceToDepth(square(weights), vae.config().downsampling());
            Tensor factors = sqrt(mean(pixels, 3));
            return concat(3, Collections.nCopies(channels, factors).toArray(Tensor[]::new));
          });
    }
  }
}
