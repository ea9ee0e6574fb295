package nacre.neuralassets.model;

/** A preset of a small autoencoder for the scenes of the preset {@code tiny}. */
public final class TinyAutoencoder {
  private TinyAutoencoder() {}

  /** Images of 16 by 16 pixels, latents of 8 by 8 with 4 channels; all terms of the loss. */
  public static AutoencoderPreset preset() {
    String vae =
        """
        "vae": {"block_out_channels": [8, 8], "norm_num_groups": 4, "latent_channels": 4,
            "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
            "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"]}\
        """;
    String training =
        """
        "training": {"steps": 6, "batch_size": 4, "learning_rate": 0.003, "warmup_steps": 2,
            "weight_decay": 0.01, "adam_beta1": 0.9, "adam_beta2": 0.99, "adam_epsilon": 1e-8,
            "max_grad_norm": 1.0, "ema_decay": 0.9}\
        """;
    String losses =
        "\"losses\": {\"absolute\": 0.5, \"squared\": 1, \"gradient\": 0.25, \"kl\": 0.01}";
    String data = Preset.builtin("tiny").data().orElseThrow().toString();
    return AutoencoderPreset.of(
        "tiny-autoencoder",
        "{\"model\": \"autoencoder\", \"image_size\": 16, %s, %s, %s, \"data\": %s}"
            .formatted(vae, losses, training, data));
  }
}
