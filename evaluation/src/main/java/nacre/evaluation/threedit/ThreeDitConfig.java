package nacre.evaluation.threedit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import nacre.diffusion.checkpoint.Component;
import nacre.diffusion.checkpoint.Family;
import nacre.diffusion.schedule.SchedulerConfig;
import nacre.diffusion.schedule.Schedulers;
import nacre.diffusion.text.ClipTextConfig;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.VaeConfig;
import nacre.nn.VitConfig;

/**
 * The configuration of a {@link ThreeDit}.
 *
 * @param imageSize S, side of the pictures in pixels
 * @param unet takes noisy latents and beside them those of the source
 * @param vae not trained
 * @param text the encoder of the sentence, not trained; empty for Zero-1-to-3, which has none
 * @param vision the encoder of the source picture, CLIP's, not trained
 * @param scheduler its noise schedule, and DDIM's settings
 */
public record ThreeDitConfig(
    int imageSize,
    UNetConfig unet,
    VaeConfig vae,
    Optional<ClipTextConfig> text,
    VitConfig vision,
    SchedulerConfig scheduler) {

  /** Checks that the parts fit together. */
  public ThreeDitConfig {
    require(unet.inChannels(), 2 * vae.latentChannels(), "the UNet's in_channels, two latents'");
    require(unet.outChannels(), vae.latentChannels(), "the UNet's out_channels");
    text.ifPresent(
        encoder ->
            require(encoder.hiddenSize(), unet.crossAttentionDim(), "the text's hidden_size"));
  }

  private static void require(int is, int wanted, String what) {
    if (is != wanted) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "3DIT: %s must be %d, not %d", what, wanted, is));
    }
  }

  /** 3DIT as it was published (Michel et al., "Object 3DIT", 2023), for pictures of 256 pixels. */
  public static ThreeDitConfig published() {
    Map<String, JsonNode> base = Family.SD_1_5.configs();
    ObjectNode unet = (ObjectNode) base.get(Component.UNET.config());
    unet.put("in_channels", 8).put("sample_size", 32);
    ObjectNode vision =
        JsonNodeFactory.instance
            .objectNode()
            .put("model_type", "clip_vision_model")
            .put("hidden_size", 1024)
            .put("intermediate_size", 4096)
            .put("num_hidden_layers", 24)
            .put("num_attention_heads", 16)
            .put("patch_size", 14);
    return new ThreeDitConfig(
        256,
        UNetConfig.of(unet),
        VaeConfig.of(base.get(Component.VAE.config())),
        Optional.of(ClipTextConfig.of(base.get(Component.TEXT_ENCODER.config()))),
        VitConfig.of(vision),
        ddim());
  }

  /**
   * Zero-1-to-3 (Liu et al., "Zero-1-to-3: Zero-shot One Image to 3D Object", 2023), from which
   * 3DIT was trained: the same without text.
   */
  public static ThreeDitConfig zero123() {
    ThreeDitConfig same = published();
    return new ThreeDitConfig(
        same.imageSize, same.unet, same.vae, Optional.empty(), same.vision, same.scheduler);
  }

  /** DDIM as Stable Diffusion's original code has it, with its noise schedule. */
  public static SchedulerConfig ddim() {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("num_train_timesteps", 1000)
            .put("beta_start", 0.00085)
            .put("beta_end", 0.012)
            .put("beta_schedule", "scaled_linear")
            .put("clip_sample", false)
            .put("set_alpha_to_one", false)
            .put("steps_offset", 1);
    return SchedulerConfig.of(json, Schedulers.DDIM);
  }

  /** The number of tokens: those of the text, 77, and one of the picture. */
  public int tokens() {
    return 1 + text.map(ClipTextConfig::maxPositionEmbeddings).orElse(0);
  }

  /** s, the side of the latents. */
  int latentSide() {
    return imageSize / vae.downsampling();
  }
}
