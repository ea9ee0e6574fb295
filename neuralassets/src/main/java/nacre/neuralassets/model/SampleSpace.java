package nacre.neuralassets.model;

import static nacre.tensor.ops.Activation.sqrt;
import static nacre.tensor.ops.Activation.square;
import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Reduce.mean;
import static nacre.tensor.ops.SpaceToDepth.depthToSpace;
import static nacre.tensor.ops.SpaceToDepth.spaceToDepth;

import java.util.Collections;
import java.util.function.UnaryOperator;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.LatentDistribution;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The space in which the UNet denoises, and the maps between it and images. An image is encoded
 * once and for all; from what it is encoded as, samples are drawn, another each time where that is
 * a distribution.
 */
public sealed interface SampleSpace {

  /** The shape of what {@code count} images of S by S pixels are encoded as. */
  Shape encodedShape(int count, int size);

  /**
   * Images {@code [B, S, S, 3]} in [−1, 1] to what they are encoded as, {@link #encodedShape}. Each
   * is encoded by itself: its bits do not depend on the others, nor on how many there are.
   */
  Tensor encode(Tensor images);

  /**
   * Samples {@code [B, s, s, c]} of encoded images.
   *
   * @param noise standard normal, of the samples' shape, with which a sample is drawn where images
   *     are encoded as a distribution; null for its mode
   */
  Tensor draw(Tensor encoded, Tensor noise);

  /** Images {@code [B, S, S, 3]} in [−1, 1] to samples: {@link #encode}, then {@link #draw}. */
  default Tensor toSamples(Tensor images, Tensor noise) {
    return Scope.tidy(() -> draw(encode(images), noise));
  }

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
    public Shape encodedShape(int count, int size) {
      return Shape.of(count, size, size, 3);
    }

    /** The images themselves. */
    @Override
    public Tensor encode(Tensor images) {
      return images.detach();
    }

    @Override
    public Tensor draw(Tensor encoded, Tensor noise) {
      return factor == 1 ? encoded.detach() : spaceToDepth(encoded, factor);
    }

    @Override
    public Tensor toImages(Tensor samples) {
      return factor == 1 ? samples.detach() : depthToSpace(samples, factor);
    }

    /** Every number of a sample is one of a pixel, and has its factor. */
    @Override
    public Tensor toErrorWeights(Tensor weights) {
      return draw(weights, null);
    }
  }

  /**
   * The latents of an autoencoder, as in the paper.
   *
   * @param vae not trained
   */
  record Latents(AutoencoderKL vae) implements SampleSpace {
    @Override
    public Shape encodedShape(int count, int size) {
      int side = size / vae.config().downsampling();
      return Shape.of(count, side, side, 2 * vae.config().latentChannels());
    }

    /** The moments of each image's latents: means, then the logarithms of the variances. */
    @Override
    public Tensor encode(Tensor images) {
      return each(images, image -> vae.encode(image).moments());
    }

    private static Tensor each(Tensor batch, UnaryOperator<Tensor> of) {
      return Scope.tidy(
          () -> {
            Tensor[] made = new Tensor[batch.dim(0)];
            for (int i = 0; i < made.length; i++) {
              Tensor one = batch.rows(i, i + 1);
              made[i] = Scope.tidy(() -> of.apply(one));
            }
            return made.length == 1 ? made[0] : concat(0, made);
          });
    }

    @Override
    public Tensor draw(Tensor encoded, Tensor noise) {
      return Scope.tidy(
          () -> {
            LatentDistribution latents = new LatentDistribution(encoded);
            return vae.toDiffusion(noise == null ? latents.mode() : latents.sample(noise));
          });
    }

    /** Each is decoded by itself, in the memory of one. */
    @Override
    public Tensor toImages(Tensor samples) {
      return each(samples, latent -> vae.decode(vae.fromDiffusion(latent)));
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
