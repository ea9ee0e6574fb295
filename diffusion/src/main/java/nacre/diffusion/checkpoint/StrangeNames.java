package nacre.diffusion.checkpoint;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import nacre.weights.OneLine;
import nacre.weights.WeightsException;

/**
 * The names of tensors in a single file that are no weights of Stable Diffusion's three parts: what
 * training left behind, what says how to use the model, and what is of another model.
 */
final class StrangeNames {
  /** The noise schedule, the average of weights kept in training, and the autoencoder's losses. */
  private static final Predicate<String> LEFTOVER =
      Pattern.compile(
              "(sqrt_|log_)?(one_minus_|recip_|recipm1_)?alphas_cumprod(_prev)?|betas|logvar"
                  + "|posterior_(variance|log_variance_clipped|mean_coef[12])|global_step"
                  + "|model_ema\\..*|first_stage_model\\.loss\\..*"
                  + "|cond_stage_model\\.model\\.(text_projection|logit_scale|attn_mask)")
          .asMatchPredicate();

  /** Tensors that change no picture, of which a user is told. */
  private static final Predicate<String> HARMLESS =
      Pattern.compile(
              "cond_stage_model\\.(logit_scale|text_projection)"
                  + "|cond_stage_model\\.transformer\\.(logit_scale|(vision_model|visual_projection"
                  + "|text_projection)\\..*)"
                  + "|(embedding_manager|optimizer(_states)?|lr_schedulers?|callbacks|loops"
                  + "|control_model|safety_checker|ddim_.*|denoiser)(\\..*)?"
                  + "|scale_factor|lvlb_weights|epoch|iteration|step|ztsnr")
          .asMatchPredicate();

  /** Factors of quantized weights, without which these mean something else. */
  private static final Predicate<String> SCALES =
      Pattern.compile(
              "(.*\\.)?(scaled_fp8|scale_weight|scale_input|weight_scale(_2)?|input_scale"
                  + "|comfy_quant|absmax|quant_map|nested_absmax|nested_quant_map|quant_state\\..*"
                  + "|SCB|weight_format|qweight|qzeros|scales)")
          .asMatchPredicate();

  /** The key by which other tools mark models that predict velocity. */
  static final String VELOCITY = "v_pred";

  /** The key by which they mark a schedule that ends in pure noise. */
  static final String ZERO_SNR = "ztsnr";

  private StrangeNames() {}

  /** Whether a tensor is left out. */
  static boolean isPassedOver(String name) {
    return LEFTOVER.test(name) || HARMLESS.test(name) || name.equals(VELOCITY);
  }

  /**
   * The tensors of which a user is told that they are passed over.
   *
   * @throws WeightsException naming the model, if a file is of another, or the tensors that are of
   *     none; or if its weights have factors that are not applied
   */
  static List<String> harmless(Path path, Set<String> names) throws WeightsException {
    requireNoScales(path, names);
    List<String> harmless = new ArrayList<>();
    List<String> strangers = new ArrayList<>();
    for (String name : names) {
      if (HARMLESS.test(name) && !name.equals(ZERO_SNR)) {
        harmless.add(name);
      } else if (!OriginalNames.belongs(name) && !isPassedOver(name)) {
        strangers.add(name);
      }
    }
    Optional<String> other =
        OtherModels.of(Set.copyOf(strangers)).or(() -> OtherModels.ofItsUNet(names));
    if (other.isPresent()) {
      throw new WeightsException(path, "is " + other.get() + ", not Stable Diffusion 1.x or 2.x");
    }
    if (!strangers.isEmpty()) {
      throw new WeightsException(
          path,
          String.format(
              Locale.ROOT,
              "is not Stable Diffusion 1.x or 2.x; tensors of no part of it (%d): %s",
              strangers.size(),
              OneLine.list(strangers)));
    }
    return harmless;
  }

  /**
   * Refuses weights that were quantized with factors beside them.
   *
   * @throws WeightsException naming some of the factors
   */
  static void requireNoScales(Path path, Set<String> names) throws WeightsException {
    List<String> scales = names.stream().filter(SCALES).toList();
    if (!scales.isEmpty()) {
      throw new WeightsException(
          path,
          String.format(
              Locale.ROOT,
              "holds quantized weights, whose factors are not applied; take the model in float16,"
                  + " or in fp8 without factors; tensors of factors (%d): %s",
              scales.size(),
              OneLine.list(scales)));
    }
  }
}
