package nacre.diffusion.lora;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** Adapters that are not supported, recognized by the names of their tensors. */
final class OtherAdapters {
  private static final Map<Pattern, String> OTHERS = new LinkedHashMap<>();

  static {
    other(".*\\.dora_scale|.*\\.lora_magnitude_vector(\\..*)?", "DoRA");
    other(".*\\.hada_.*", "LoHa");
    other(".*\\.lokr_.*", "LoKr");
    other(".*\\.on_input|.*\\.ia3_l(\\..*)?", "(IA)³");
    other(".*\\.(b?oft|vera|fourierft)_.*", "OFT, BOFT, VeRA or FourierFT");
    other(".*\\.[ab][12]\\.weight", "GLoRA");
    other(
        ".*\\.(diff|diff_b|w_norm|b_norm|lora_(B|up)\\.bias)",
        "a LoRA with whole differences of norms, biases or weights");
    other("bundle_emb\\..*", "a LoRA with embeddings of textual inversion in it");
    other("lora_te[12]_.*|text_encoder_[23]\\..*", "a LoRA of Stable Diffusion XL");
    other(".*motion_modules.*", "a LoRA of AnimateDiff");
    other(
        "(lora_)?transformer[._].*|lora_unet_(double|single|joint)_blocks_.*|diffusion_model\\..*",
        "a LoRA of a transformer, such as Flux or Stable Diffusion 3");
  }

  private OtherAdapters() {}

  private static void other(String names, String kind) {
    OTHERS.put(Pattern.compile(names), kind);
  }

  /** A tensor, and the kind of adapter that it gives away. */
  record Found(String tensor, String kind) {}

  /** The first kind that one of the tensors is of. */
  static Optional<Found> of(Iterable<String> names) {
    for (Map.Entry<Pattern, String> other : OTHERS.entrySet()) {
      for (String name : names) {
        if (other.getKey().matcher(name).matches()) {
          return Optional.of(new Found(name, other.getValue()));
        }
      }
    }
    return Optional.empty();
  }
}
