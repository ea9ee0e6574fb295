package nacre.diffusion.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The published models whose single files are supported: the files hold weights only, and their
 * configs are kept here, as in the folders on the hub.
 */
public enum Family {
  /** Stable Diffusion 1.5, 512×512. */
  SD_1_5("sd-1.5"),
  /** Stable Diffusion 2.1 base, 512×512. */
  SD_2_1_BASE("sd-2.1-base"),
  /** Stable Diffusion 2.1, 768×768, which predicts velocity. */
  SD_2_1("sd-2.1");

  private final String label;

  Family(String label) {
    this.label = label;
  }

  /** The family called {@code sd-1.5}, {@code sd-2.1-base} or {@code sd-2.1}. */
  public static Optional<Family> named(String label) {
    return Arrays.stream(values()).filter(family -> family.label.equals(label)).findFirst();
  }

  /** The JSON files of its folder by their names below it, {@code unet/config.json} for one. */
  public Map<String, JsonNode> configs() {
    Map<String, JsonNode> files = new TreeMap<>();
    try (InputStream in = Family.class.getResourceAsStream(label + ".json")) {
      new ObjectMapper()
          .readTree(in)
          .properties()
          .forEach(e -> files.put(e.getKey(), e.getValue()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return files;
  }

  /** {@code sd-1.5} and so on. */
  @Override
  public String toString() {
    return label;
  }
}
