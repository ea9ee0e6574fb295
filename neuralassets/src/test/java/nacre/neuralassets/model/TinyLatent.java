package nacre.neuralassets.model;

/** The preset {@code tiny} with a small autoencoder in place of the folding. */
public final class TinyLatent {
  private TinyLatent() {}

  /** The preset: images of 16 by 16 pixels, latents of 8 by 8 with 4 channels. */
  public static Preset preset() {
    String vae =
        """
        "vae": {"block_out_channels": [8, 8], "norm_num_groups": 4, "latent_channels": 4,
            "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
            "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"], "scaling_factor": 0.5},
        "fold": 1\
        """;
    return Preset.of(
        "latent",
        Preset.builtin("tiny")
            .json()
            .replace("\"fold\": 2", vae)
            .replace("\"in_channels\": 16", "\"in_channels\": 8")
            .replace("\"out_channels\": 12", "\"out_channels\": 4"));
  }

  /** The same, in which errors inside of the objects' boxes count several times. */
  public static Preset preset(double objectWeight) {
    String json = preset().json();
    String weight = "\"training\": {\"object_weight\": " + objectWeight + ",";
    return Preset.of("latent", json.replace("\"training\": {", weight));
  }
}
