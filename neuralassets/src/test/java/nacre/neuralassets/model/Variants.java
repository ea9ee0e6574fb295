package nacre.neuralassets.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.UncheckedIOException;

/** The built-in tiny preset with some keys laid over it. */
public final class Variants {
  private static final JsonMapper JSON = new JsonMapper();

  private Variants() {}

  /**
   * The preset.
   *
   * @param keys an object, with simple quotes
   */
  public static Preset tiny(String keys) {
    return over(Preset.builtin("tiny"), keys);
  }

  /** As {@link #tiny}, over another preset. */
  public static Preset over(Preset preset, String keys) {
    try {
      ObjectNode root = (ObjectNode) JSON.readTree(preset.json());
      JSON.readerForUpdating(root).readValue(keys.replace('\'', '"'));
      return Preset.of("mine", root.toPrettyString());
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }
}
