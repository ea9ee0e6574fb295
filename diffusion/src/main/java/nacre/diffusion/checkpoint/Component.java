package nacre.diffusion.checkpoint;

/** The parts of a Stable Diffusion model that have weights. */
public enum Component {
  UNET("unet", "diffusion_pytorch_model", "model.diffusion_model."),
  VAE("vae", "diffusion_pytorch_model", "first_stage_model."),
  TEXT_ENCODER("text_encoder", "model", "cond_stage_model.");

  private final String folder;
  private final String stem;
  private final String prefix;

  Component(String folder, String stem, String prefix) {
    this.folder = folder;
    this.stem = stem;
    this.prefix = prefix;
  }

  /** Name of its folder, {@code unet}. */
  public String folder() {
    return folder;
  }

  /** Name of its weight file in that folder, without {@code .safetensors}. */
  public String stem() {
    return stem;
  }

  /** Its config below the model's folder, {@code unet/config.json}. */
  public String config() {
    return folder + "/config.json";
  }

  /** What the names of its tensors begin with in a single file. */
  String prefix() {
    return prefix;
  }
}
