package nacre.diffusion.lora;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import nacre.weights.JsonFile;
import nacre.weights.OneLine;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * The configuration of a LoRA, peft's {@code LoraConfig}. diffusers keeps it in a file's metadata,
 * {@code lora_adapter_metadata}, that of a pipeline's components with their names before its keys,
 * that of a single model without; peft itself beside the file.
 */
final class PeftAlphas {
  static final String KEY = "lora_adapter_metadata";

  private final Path file;
  private final String place;
  private final JsonNode config;

  private PeftAlphas(Path file, String place, JsonNode config) {
    this.file = file;
    this.place = place;
    this.config = config;
  }

  /**
   * Reads the configuration of a file; one of diffusers without metadata is without alphas.
   *
   * @throws WeightsException if it is malformed, or missing beside a file of peft, in one line
   */
  static PeftAlphas of(Path file, StateDict dict) throws WeightsException {
    if (dict.entries().keySet().stream().anyMatch(n -> n.startsWith(AdapterFolder.PEFT_PREFIX))) {
      return new PeftAlphas(file, "its adapter_config.json", AdapterFolder.config(file));
    }
    String text = dict.metadata().get(KEY);
    if (text == null) {
      return new PeftAlphas(file, KEY, JsonNodeFactory.instance.objectNode());
    }
    try {
      return new PeftAlphas(file, KEY, JsonFile.parse(file, text, json -> json));
    } catch (WeightsException e) {
      String reason = e.getMessage().substring((file + ": ").length());
      throw new WeightsException(file, "its " + KEY + " " + reason, e);
    }
  }

  /**
   * The scale of a layer's change.
   *
   * @param layer under the file's name, {@code unet.….to_q}
   * @return empty where nothing is said of its component
   * @throws WeightsException if what is said is not supported, in one line
   */
  OptionalDouble scale(String layer, int rank) throws WeightsException {
    if (config.isEmpty()) {
      return OptionalDouble.empty();
    }
    String component = component(layer);
    String name = name(layer, component);
    if (config.path(component + "use_dora").asBoolean()) {
      throw new WeightsException(file, "is DoRA, which is not supported");
    }
    JsonNode alpha = config.path(component + "lora_alpha");
    JsonNode pattern = config.path(component + "alpha_pattern");
    for (Map.Entry<String, JsonNode> own : pattern.properties()) {
      if (applies(own.getKey(), name)) {
        alpha = own.getValue();
        break;
      }
    }
    if (alpha.isMissingNode()) {
      return OptionalDouble.empty();
    }
    if (!alpha.isNumber()) {
      throw new WeightsException(
          file,
          String.format(
              Locale.ROOT, "the alpha of %s in %s is no number", OneLine.clip(layer), place));
    }
    boolean stabilized = config.path(component + "use_rslora").asBoolean();
    return OptionalDouble.of(alpha.asDouble() / (stabilized ? Math.sqrt(rank) : rank));
  }

  /** What the keys of a layer's component begin with; nothing if the file is of one model. */
  private String component(String layer) {
    int dot = layer.indexOf('.');
    String first = layer.substring(0, dot + 1);
    boolean named = config.properties().stream().anyMatch(key -> key.getKey().startsWith(first));
    return dot >= 0 && named ? first : "";
  }

  /** A layer's name in its model. */
  private static String name(String layer, String component) {
    return layer.startsWith(AdapterFolder.PEFT_PREFIX)
        ? layer.substring(AdapterFolder.PEFT_PREFIX.length())
        : layer.substring(component.length());
  }

  /** Whether peft applies a pattern to a layer: to the end of its name, from a dot on. */
  private boolean applies(String pattern, String layer) throws WeightsException {
    String name = pattern.startsWith("^") ? pattern.substring(1) : pattern;
    if (!name.matches("[\\w.]+")) {
      throw new WeightsException(
          file,
          String.format(
              Locale.ROOT,
              "the alpha_pattern %s in %s is more than a layer's name, which is not supported",
              OneLine.clip(pattern),
              place));
    }
    return layer.equals(name) || name.equals(pattern) && layer.endsWith("." + name);
  }
}
