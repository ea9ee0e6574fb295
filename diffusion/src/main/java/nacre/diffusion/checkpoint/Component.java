package nacre.diffusion.checkpoint;

import nacre.diffusion.text.ClipTextModel;
import nacre.diffusion.vae.AutoencoderKL;

/** The parts of a Stable Diffusion model that have weights. */
public enum Component {
  /** The UNet, which predicts the noise in latents. */
  UNET("unet", "diffusion_pytorch_model"),
  /** The autoencoder, which converts between images and latents. */
  VAE("vae", "diffusion_pytorch_model"),
  /** The text encoder, which turns a prompt into the UNet's conditioning. */
  TEXT_ENCODER("text_encoder", "model");

  private final String folder;
  private final String stem;

  Component(String folder, String stem) {
    this.folder = folder;
    this.stem = stem;
  }

  /** Name of its folder, {@code unet}. */
  public String folder() {
    return folder;
  }

  /** Name of its weight file in that folder, without {@code .safetensors}. */
  public String stem() {
    return stem;
  }

  /** Path of its config below the model's folder, {@code unet/config.json}. */
  public String config() {
    return folder + "/config.json";
  }

  /**
   * The name in memory of the tensor {@code name} in this component's weight file, whichever
   * version of diffusers or transformers wrote it; null if it is not a parameter.
   */
  public String currentName(String name) {
    return switch (this) {
      case UNET -> name;
      case VAE -> AutoencoderKL.currentName(name);
      case TEXT_ENCODER -> {
        String current = ClipTextModel.currentName(name);
        yield ClipTextModel.isIgnorable(current) ? null : current;
      }
    };
  }

  /** The name in the hub's folders of the parameter {@code name} in memory. */
  public String hubName(String name) {
    return this == TEXT_ENCODER ? "text_model." + name : name;
  }
}
