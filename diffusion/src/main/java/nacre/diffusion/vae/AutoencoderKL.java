package nacre.diffusion.vae;

import static nacre.tensor.ops.Affine.affine;

import nacre.nn.Conv2d;
import nacre.nn.Parameters;
import nacre.tensor.Tensor;

/**
 * The autoencoder of Stable Diffusion, between images and latents of a fraction of their size.
 * Built from diffusers' {@code config.json}, under diffusers' names ({@code AutoencoderKL}).
 * Source: Rombach et al., 2022, section 3.1; Kingma and Welling, "Auto-Encoding Variational Bayes",
 * 2014.
 */
public final class AutoencoderKL {
  private final VaeConfig config;
  private final Coder encoder;
  private final Coder decoder;

  /** Builds the model on parameters whose names begin where {@code p} stands. */
  public AutoencoderKL(Parameters p, VaeConfig config) {
    int latent = config.latentChannels();
    this.config = config;
    Coder inner = Coder.encoder(p.at("encoder"), config);
    Coder outer = Coder.decoder(p.at("decoder"), config);
    encoder =
        config.quantConv()
            ? inner.then(new Conv2d(p.at("quant_conv"), 2 * latent, 2 * latent, 1, 1, 0))
            : inner;
    decoder =
        config.postQuantConv()
            ? outer.after(new Conv2d(p.at("post_quant_conv"), latent, latent, 1, 1, 0))
            : outer;
  }

  /**
   * The name in this model of a parameter in a checkpoint, which may be an old one: before 2023
   * diffusers called the projections of attention {@code query}, {@code key}, {@code value}, {@code
   * proj_attn}.
   */
  public static String currentName(String name) {
    int place = name.indexOf(".attentions.");
    if (place < 0) {
      return name;
    }
    return name.substring(0, place)
        + name.substring(place)
            .replace(".query.", ".to_q.")
            .replace(".key.", ".to_k.")
            .replace(".value.", ".to_v.")
            .replace(".proj_attn.", ".to_out.0.");
  }

  /** The configuration of the model. */
  public VaeConfig config() {
    return config;
  }

  /**
   * {@code image [N, H, W, in] → moments [N, H/f, W/f, 2 · latent]}.
   *
   * @param image pixels from −1 to 1
   */
  public LatentDistribution encode(Tensor image) {
    requireChannels("encode: image", image, config.inChannels());
    return new LatentDistribution(encoder.forward(image));
  }

  /** {@code latent [N, h, w, latent] → image [N, f·h, f·w, out]}, pixels about −1 to 1. */
  public Tensor decode(Tensor latent) {
    requireChannels("decode: latent", latent, config.latentChannels());
    return decoder.forward(latent);
  }

  Coder encoder() {
    return encoder;
  }

  Coder decoder() {
    return decoder;
  }

  /** The latent scaled for diffusion, with a variance of about 1: (latent − shift) · scaling. */
  public Tensor toDiffusion(Tensor latent) {
    return affine(latent, config.scalingFactor(), -config.shiftFactor() * config.scalingFactor());
  }

  /** The inverse of {@link #toDiffusion}: latent / scaling + shift. */
  public Tensor fromDiffusion(Tensor latent) {
    return affine(latent, 1 / config.scalingFactor(), config.shiftFactor());
  }

  private static void requireChannels(String what, Tensor x, int channels) {
    if (x.shape().rank() != 4 || x.dim(3) != channels) {
      throw new IllegalArgumentException(
          "AutoencoderKL."
              + what
              + " is "
              + x.describe()
              + ", [N, H, W, "
              + channels
              + "] is wanted");
    }
  }
}
