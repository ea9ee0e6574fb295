package nacre.diffusion.checkpoint;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Models that are not supported, and parts of models, recognized so that an error can name them: by
 * the channels of a UNet that is of Stable Diffusion's shape, or by the names of tensors.
 */
public final class OtherModels {
  private static final Map<Pattern, String> OTHERS = new LinkedHashMap<>();

  static {
    other("edm_(mean|std|vpred\\.).*", "a model of the EDM schedule, such as Playground or CosXL");
    other("conditioner\\..*", "Stable Diffusion XL");
    other(".*motion_modules\\..*", "AnimateDiff");
    other("(model\\.diffusion_model\\.)?distilled_guidance_layer\\..*", "Chroma");
    other("(model\\.diffusion_model\\.)?joint_blocks\\..*", "Stable Diffusion 3");
    other("(model\\.diffusion_model\\.)?double_blocks\\..*", "Flux");
    other("(model\\.diffusion_model\\.)?double_layers\\..*", "AuraFlow");
    other(".*clip_txt_mapper\\..*|.*\\.channelwise\\..*", "Stable Cascade");
    other(
        "(model\\.diffusion_model\\.)?blocks\\.\\d+\\.(cross_attn|self_attn)\\..*", "Wan or Sana");
    other("text_encoders\\..*", "a model with several text encoders, such as Stable Diffusion 3");
    other(
        "lora_(unet|te)\\d?_.*|.*\\.lora_(up|down|A|B)\\..*|.*\\.hada_w\\d.*|.*\\.lokr_w\\d.*",
        "a LoRA, which changes a model and is none");
    other("emb_params|string_to_param\\..*", "an embedding of textual inversion, not a model");
    other(
        "(control_model\\.|controlnet_cond_embedding\\.|control_).*",
        "a ControlNet, which guides a model and is none");
    other("(double|single)?_?transformer_blocks\\..*", "a transformer in diffusers' names");
    other(
        "down_blocks\\..*|conv_in\\.weight",
        "the UNet of a folder; give the folder that holds unet/, vae/, text_encoder/");
    other(
        "(vae\\.|first_stage_model\\.)?(encoder|decoder)\\.(down|up|mid|down_blocks|up_blocks)[._].*",
        "an autoencoder alone");
    other("(text_model\\.)?(embeddings|encoder\\.layers)\\..*", "a text encoder alone");
  }

  private OtherModels() {}

  private static void other(String names, String model) {
    OTHERS.put(Pattern.compile(names), model);
  }

  /** The model, or part of one, that tensors of these names are of, if it is known. */
  public static Optional<String> of(Set<String> names) {
    for (Map.Entry<Pattern, String> other : OTHERS.entrySet()) {
      if (names.stream().anyMatch(name -> other.getKey().matcher(name).matches())) {
        return Optional.of(other.getValue());
      }
    }
    return Optional.empty();
  }

  /** The model whose UNet has names that Stable Diffusion's has not, if it is known. */
  static Optional<String> ofItsUNet(Set<String> names) {
    if (names.stream().anyMatch(name -> name.startsWith(OriginalNames.UNET + "label_emb."))) {
      return Optional.of("Stable Diffusion XL, or another model with classes");
    }
    return names.stream().anyMatch(name -> name.contains(".time_stack."))
        ? Optional.of("Stable Video Diffusion")
        : Optional.empty();
  }

  /**
   * The model whose UNet takes a number of channels, with its pipeline in diffusers; empty if none
   * is known.
   */
  public static Optional<String> withInput(int channels) {
    return Optional.ofNullable(
        switch (channels) {
          case 5 -> "a depth model, of StableDiffusionDepth2ImgPipeline";
          case 7 -> "an upscaler, of StableDiffusionUpscalePipeline";
          case 8 -> "InstructPix2Pix, of StableDiffusionInstructPix2PixPipeline";
          default -> null;
        });
  }
}
