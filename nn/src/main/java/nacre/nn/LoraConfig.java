package nacre.nn;

import java.util.List;
import nacre.weights.ConfigRange;

/**
 * A low-rank adaptation (Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021) as
 * it is wanted of a model: {@link Parameters#adapted} puts adapters beside the layers that it
 * names, y = W x + b + (alpha / rank) · B (A x). The settings are those of peft's {@code
 * LoraConfig}.
 *
 * @param rank r, the number of rows of A and of columns of B
 * @param alpha the scale of the change times the rank
 * @param targets the names of linear layers and convolutions that have adapters, whole or from a
 *     dot on, as {@link NameGlob} has them: {@code to_q} is every layer whose name ends with {@code
 *     .to_q}, {@code down_blocks.*.conv1} the first convolution of each block on the way down
 */
public record LoraConfig(int rank, double alpha, List<String> targets) {
  /** The projections of diffusers' attention layers, the usual targets. */
  public static final List<String> ATTENTION = List.of("to_q", "to_k", "to_v", "to_out.0");

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException naming the setting that is wrong
   */
  public LoraConfig {
    targets = List.copyOf(targets);
    ConfigRange range = new ConfigRange("lora.");
    range.whole("rank", rank, 1, 1 << 14);
    range.number("alpha", alpha, 0.001, 1e6);
    if (targets.isEmpty() || targets.stream().anyMatch(String::isBlank)) {
      throw new IllegalArgumentException("lora.targets must name at least one layer, none empty");
    }
  }

  /** Adapters of attention, of alpha as large as the rank, so that the scale is 1. */
  public static LoraConfig ofRank(int rank) {
    return new LoraConfig(rank, rank, ATTENTION);
  }

  /** The factor on B (A x), alpha / rank. */
  public double scale() {
    return alpha / rank;
  }

  /** Whether a parameter's name is that of an adapter's A or B. */
  public static boolean isFactor(String parameter) {
    return parameter.endsWith(LowRank.DOWN + ".weight")
        || parameter.endsWith(LowRank.UP + ".weight");
  }

  /** Whether one of the targets, {@code target}, names a layer: its whole name, or its end. */
  static boolean names(String target, String layer) {
    return new NameGlob(target).matches(layer) || new NameGlob("*." + target).matches(layer);
  }
}
