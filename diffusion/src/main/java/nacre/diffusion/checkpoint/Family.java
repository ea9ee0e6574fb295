package nacre.diffusion.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
  SD_2_1("sd-2.1"),
  /** Stable Diffusion 1.5 for inpainting, 512×512. */
  SD_1_5_INPAINTING("sd-1.5-inpainting", SD_1_5),
  /** Stable Diffusion 2 for inpainting, 512×512. */
  SD_2_INPAINTING("sd-2-inpainting", SD_2_1_BASE);

  /** Channels of the UNet's input: latents, mask and the masked picture's latents. */
  private static final int INPAINTING_CHANNELS = 9;

  private final String label;

  /** The model that was trained further to inpaint; null for one that is itself the base. */
  private final Family base;

  Family(String label) {
    this(label, null);
  }

  Family(String label, Family base) {
    this.label = label;
    this.base = base;
  }

  /** Other names of the same models. */
  private static final Map<String, Family> ALIASES =
      Map.of(
          "sd1", SD_1_5,
          "sd-1", SD_1_5,
          "sd-1.4", SD_1_5,
          "sd2-base", SD_2_1_BASE,
          "sd-2-base", SD_2_1_BASE,
          "sd-2.0-base", SD_2_1_BASE,
          "sd2", SD_2_1,
          "sd-2", SD_2_1,
          "sd-2.0", SD_2_1);

  /** The family of a name, such as {@code sd-1.5}, {@code sd1} or {@code sd-2-inpainting}. */
  public static Optional<Family> named(String label) {
    return Arrays.stream(values())
        .filter(family -> family.label.equals(label))
        .findFirst()
        .or(() -> Optional.ofNullable(ALIASES.get(label)));
  }

  /** Whether it has the text encoder of version 2. */
  boolean isVersion2() {
    return label.startsWith("sd-2");
  }

  /** The JSON files of its folder by their names below it, {@code unet/config.json} for one. */
  public Map<String, JsonNode> configs() {
    if (base != null) {
      Map<String, JsonNode> files = base.configs();
      object(files, "model_index.json").put("_class_name", "StableDiffusionInpaintPipeline");
      object(files, Component.UNET.config()).put("in_channels", INPAINTING_CHANNELS);
      return files;
    }
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

  private static ObjectNode object(Map<String, JsonNode> files, String name) {
    return (ObjectNode) files.get(name);
  }

  /** {@code sd-1.5} and so on. */
  @Override
  public String toString() {
    return label;
  }
}
