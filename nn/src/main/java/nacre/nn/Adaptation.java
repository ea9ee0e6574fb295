package nacre.nn;

import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import nacre.weights.OneLine;

/**
 * The adapters that are wanted at a place and below it, and which of the targets have named a layer
 * so far.
 */
final class Adaptation {
  private final LoraConfig config;
  private final String prefix;
  private final Predicate<String> frozen;
  private final Set<String> unmet;
  private final Set<String> layers;

  /**
   * An adaptation before the model is built.
   *
   * @param prefix what the names of parameters begin with
   * @param frozen which adapters are not trained, by the full names of their parameters
   */
  Adaptation(LoraConfig config, String prefix, Predicate<String> frozen) {
    this(config, prefix, frozen, new LinkedHashSet<>(config.targets()), new LinkedHashSet<>());
  }

  private Adaptation(
      LoraConfig config,
      String prefix,
      Predicate<String> frozen,
      Set<String> unmet,
      Set<String> layers) {
    this.config = config;
    this.prefix = prefix;
    this.frozen = frozen;
    this.unmet = unmet;
    this.layers = layers;
  }

  /** The same adaptation, of which more is not trained. */
  Adaptation frozen(Predicate<String> more) {
    return new Adaptation(config, prefix, frozen.or(more), unmet, layers);
  }

  LoraConfig config() {
    return config;
  }

  Predicate<String> frozen() {
    return frozen;
  }

  /**
   * Whether a layer has an adapter.
   *
   * @param place what the names of its parameters begin with, a dot at the end
   */
  boolean wants(String place) {
    String layer = place.substring(prefix.length(), Math.max(prefix.length(), place.length() - 1));
    layers.add(layer.replaceAll("\\d+", "*"));
    boolean wanted = false;
    for (String target : config.targets()) {
      if (LoraConfig.names(target, layer)) {
        unmet.remove(target);
        wanted = true;
      }
    }
    return wanted;
  }

  void requireTargets() {
    if (!unmet.isEmpty()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "lora.targets: no linear layer or convolution is named %s; there are %s",
              OneLine.list(unmet),
              OneLine.list(layers)));
    }
  }
}
