package nacre.neuralassets.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import nacre.neuralassets.encoder.PretrainedEncoder;
import nacre.weights.OneLine;

/**
 * The first difference between a preset and that with which a run began.
 *
 * @param key its place, with dots
 * @param wanted what the preset says there; {@code nothing} if it does not
 * @param begun what the run began with
 */
public record PresetDifference(String key, String wanted, String begun) {
  private static final String MODEL = AutoencoderPreset.MODEL;

  /**
   * Compares a preset's file with the preset of a run, without opening the pretrained models that
   * either names: what the run took from them, and may be in no file, is left out.
   *
   * @param named keys of which something else is said beside the preset, such as {@code base}; they
   *     are left out as well
   * @return empty if there is none
   */
  public static Optional<PresetDifference> of(
      PresetFile wanted, TrainingPreset begun, Set<String> named) {
    ObjectNode mine = wanted.root().deepCopy();
    ObjectNode its = PresetFile.of(begun.name(), begun.json()).root().deepCopy();
    if (its.hasNonNull(PretrainedBase.BASE)) {
      leaveOut(mine, its, PretrainedBase.BASE, PretrainedBase.HINTS, named);
      remove(mine, its, List.of("unet", "vae", "scheduler"));
    }
    if (its.hasNonNull(PretrainedEncoder.FROM)) {
      leaveOut(mine, its, PretrainedEncoder.FROM, List.of(), named);
      remove(mine, its, List.of(PretrainedEncoder.ENCODER));
      String tokens = PretrainedEncoder.TOKENS;
      remove(mine.path(tokens), its.path(tokens), PretrainedEncoder.IMAGES);
    }
    if (its.hasNonNull(PretrainedAutoencoder.FROM) && !mine.hasNonNull("vae")) {
      its.remove("vae");
    }
    if (!mine.hasNonNull(Preset.LORA) || named.contains(Preset.LORA)) {
      remove(mine.path(Preset.LORA), its.path(Preset.LORA), List.of("rank"));
      if (!mine.hasNonNull(Preset.LORA) && its.path(Preset.LORA).isEmpty()) {
        its.remove(Preset.LORA);
      }
    }
    Optional<PresetDifference> kind = first(MODEL, mine.path(MODEL), its.path(MODEL));
    return kind.isPresent() ? kind : first("", mine, its);
  }

  /** Leaves a key out that the file has not, or that something else is said of. */
  private static void leaveOut(
      ObjectNode mine, ObjectNode its, String key, List<String> more, Set<String> named) {
    if (!mine.hasNonNull(key) || named.contains(key)) {
      remove(mine, its, List.of(key));
      remove(mine, its, more);
    }
  }

  private static void remove(JsonNode mine, JsonNode its, List<String> keys) {
    for (JsonNode node : List.of(mine, its)) {
      if (node instanceof ObjectNode object) {
        object.remove(keys);
      }
    }
  }

  private static Optional<PresetDifference> first(String place, JsonNode mine, JsonNode its) {
    if (mine.isObject() && its.isObject()) {
      Set<String> keys = new TreeSet<>();
      mine.fieldNames().forEachRemaining(keys::add);
      its.fieldNames().forEachRemaining(keys::add);
      String before = place.isEmpty() ? "" : place + ".";
      return keys.stream()
          .flatMap(key -> first(before + key, mine.path(key), its.path(key)).stream())
          .findFirst();
    }
    boolean same = isNothing(mine) ? isNothing(its) : mine.equals(PresetDifference::compare, its);
    return same
        ? Optional.empty()
        : Optional.of(new PresetDifference(place, text(mine), text(its)));
  }

  private static boolean isNothing(JsonNode node) {
    return node.isMissingNode() || node.isNull();
  }

  /** 1 and 1.0 are the same number. */
  private static int compare(JsonNode a, JsonNode b) {
    boolean same = a.isNumber() && b.isNumber() ? a.asDouble() == b.asDouble() : a.equals(b);
    return same ? 0 : 1;
  }

  private static String text(JsonNode node) {
    return isNothing(node) ? "nothing" : OneLine.clip(node.toString());
  }

  /** In words: {@code training.batch_size is 4, the run began with 2}. */
  public String describe() {
    return String.format(Locale.ROOT, "%s is %s, the run began with %s", key, wanted, begun);
  }
}
