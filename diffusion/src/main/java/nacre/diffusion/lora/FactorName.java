package nacre.diffusion.lora;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The name of a LoRA's tensor, taken apart: the layer that it changes, under the file's name for
 * it, and its part in the change.
 */
record FactorName(String layer, Part part) {
  /** A tensor's part in the change of a weight. */
  enum Part {
    /** From the layer's input to the rank: {@code [r, I]} or {@code [r, I, KH, KW]}. */
    DOWN,
    /** From the rank to the layer's output: {@code [O, r]} or {@code [O, r, 1, 1]}. */
    UP,
    /** The kernel of a Tucker decomposition, {@code [r, r, KH, KW]}. */
    MID,
    /** The scale times the rank, one number. */
    ALPHA
  }

  private static final Map<String, Part> ENDS = new LinkedHashMap<>();

  static {
    ends(".lora_down.weight", ".lora_up.weight"); // kohya
    ends(".lora_A.weight", ".lora_B.weight"); // peft, diffusers from 0.22
    ends(".lora.down.weight", ".lora.up.weight"); // diffusers before
    ends("_lora.down.weight", "_lora.up.weight"); // attention processors
    ends(".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight"); // text encoders
    ENDS.put(".lora_mid.weight", Part.MID); // LyCORIS
    ENDS.put("_lora.alpha", Part.ALPHA);
    ENDS.put(".alpha", Part.ALPHA);
  }

  private static void ends(String down, String up) {
    ENDS.put(down, Part.DOWN);
    ENDS.put(up, Part.UP);
  }

  /** Takes a name apart; empty if it is not of a LoRA's tensor. */
  static Optional<FactorName> of(String name) {
    for (Map.Entry<String, Part> end : ENDS.entrySet()) {
      if (name.endsWith(end.getKey()) && name.length() > end.getKey().length()) {
        String layer = name.substring(0, name.length() - end.getKey().length());
        return Optional.of(new FactorName(layer, end.getValue()));
      }
    }
    return Optional.empty();
  }
}
