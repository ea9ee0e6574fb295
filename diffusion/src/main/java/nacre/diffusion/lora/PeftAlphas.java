package nacre.diffusion.lora;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import nacre.weights.JsonFile;
import nacre.weights.OneLine;
import nacre.weights.WeightsException;

/**
 * The configuration of a LoRA that diffusers keeps in a file's metadata, {@code
 * lora_adapter_metadata}: peft's {@code LoraConfig} of each component, its keys after the
 * component's name.
 */
final class PeftAlphas {
  private static final String KEY = "lora_adapter_metadata";

  private final Path file;
  private final JsonNode config;

  private PeftAlphas(Path file, JsonNode config) {
    this.file = file;
    this.config = config;
  }

  /**
   * Reads the metadata; a file without is without alphas.
   *
   * @throws WeightsException if it is malformed, in one line
   */
  static PeftAlphas of(Path file, Map<String, String> metadata) throws WeightsException {
    String text = metadata.get(KEY);
    if (text == null) {
      return new PeftAlphas(file, JsonNodeFactory.instance.objectNode());
    }
    try {
      return new PeftAlphas(file, JsonFile.parse(file, text, json -> json));
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
    int dot = layer.indexOf('.');
    if (dot < 0 || config.isEmpty()) {
      return OptionalDouble.empty();
    }
    String component = layer.substring(0, dot + 1);
    if (config.path(component + "use_dora").asBoolean()) {
      throw new WeightsException(file, "is DoRA, which is not supported");
    }
    JsonNode alpha = config.path(component + "lora_alpha");
    JsonNode pattern = config.path(component + "alpha_pattern");
    for (Map.Entry<String, JsonNode> own : pattern.properties()) {
      if (applies(own.getKey(), layer.substring(dot + 1))) {
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
              Locale.ROOT, "the alpha of %s in %s is no number", OneLine.clip(layer), KEY));
    }
    boolean stabilized = config.path(component + "use_rslora").asBoolean();
    return OptionalDouble.of(alpha.asDouble() / (stabilized ? Math.sqrt(rank) : rank));
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
              KEY));
    }
    return layer.equals(name) || name.equals(pattern) && layer.endsWith("." + name);
  }
}
