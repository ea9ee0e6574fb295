package nacre.diffusion.lora;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/** The description of a LoRA file in a line: its naming, ranks, alphas and targets. */
public final class LoraSummary {
  private static final Map<String, String> NAMINGS = new LinkedHashMap<>();

  static {
    NAMINGS.put("lora_unet_(input|middle|output)_block.*", "kohya for the original code's blocks");
    NAMINGS.put("lora_(unet|te)_.*", "kohya");
    NAMINGS.put(".*\\.lora_[AB]\\.weight", "peft");
    NAMINGS.put(".*\\.processor\\..*", "diffusers' attention processors");
    NAMINGS.put(".*", "diffusers before peft");
  }

  /** What the names of layers end with that LoRAs are usually of, with underscores for dots. */
  private static final List<String> TARGETS =
      List.of(
          "to_q",
          "to_k",
          "to_v",
          "to_out_0",
          "to_out",
          "ff_net_0_proj",
          "ff_net_2",
          "proj_in",
          "proj_out",
          "q_proj",
          "k_proj",
          "v_proj",
          "out_proj",
          "mlp_fc1",
          "mlp_fc2");

  private static final List<String> TEXT_ENCODER =
      List.of(
          "lora_te_",
          "text_encoder.",
          AdapterFolder.PEFT_PREFIX + "text_model.",
          AdapterFolder.PEFT_PREFIX + "encoder.layers.");

  private LoraSummary() {}

  /** The description of a file's tensors; empty if they are of no LoRA and of nothing like it. */
  public static Optional<String> of(Path file, StateDict dict) {
    Set<String> names = dict.entries().keySet();
    Optional<OtherAdapters.Found> other = OtherAdapters.of(names);
    if (other.isPresent()) {
      return Optional.of(other.get().kind() + ", which is not supported");
    }
    if (names.stream().noneMatch(LoraSummary::isFactor)) {
      return Optional.empty();
    }
    try {
      return Optional.of(describe(names, LoraFile.read(file, dict)));
    } catch (WeightsException e) {
      return Optional.of("a LoRA that " + e.getMessage().substring((file + ": ").length()));
    }
  }

  private static boolean isFactor(String name) {
    return FactorName.of(name).filter(n -> n.part() != FactorName.Part.ALPHA).isPresent();
  }

  private static String describe(Set<String> names, Map<String, LowRank> layers) {
    String naming =
        NAMINGS.entrySet().stream()
            .filter(each -> names.stream().anyMatch(name -> name.matches(each.getKey())))
            .findFirst()
            .orElseThrow()
            .getValue();
    long text = layers.keySet().stream().filter(LoraSummary::isOfText).count();
    long spatial = layers.values().stream().filter(LowRank::isSpatial).count();
    Set<String> flat =
        layers.keySet().stream().map(n -> n.replace('.', '_')).collect(Collectors.toSet());
    String targets =
        TARGETS.stream()
            .filter(target -> flat.stream().anyMatch(name -> name.endsWith("_" + target)))
            .collect(Collectors.joining(", "));
    long others =
        flat.stream()
            .filter(name -> TARGETS.stream().noneMatch(target -> name.endsWith("_" + target)))
            .count();
    return String.format(
        Locale.ROOT,
        "LoRA, names of %s, rank %s, alpha %s; layers: %d of the UNet, %d of the text encoder, %d"
            + " of them convolutions of more than one pixel; targets: %s%s",
        naming,
        range(layers, LowRank::rank),
        range(layers, change -> change.scale() * change.rank()),
        layers.size() - text,
        text,
        spatial,
        targets.isEmpty() ? "" : targets + (others > 0 ? ", " : ""),
        others > 0 ? others + " others" : "");
  }

  private static boolean isOfText(String layer) {
    return TEXT_ENCODER.stream().anyMatch(layer::startsWith);
  }

  private static String range(Map<String, LowRank> layers, ToDoubleFunction<LowRank> value) {
    DoubleStream values = layers.values().stream().mapToDouble(value);
    var all = values.summaryStatistics();
    return all.getMin() == all.getMax()
        ? number(all.getMin())
        : number(all.getMin()) + " to " + number(all.getMax());
  }

  private static String number(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }
}
