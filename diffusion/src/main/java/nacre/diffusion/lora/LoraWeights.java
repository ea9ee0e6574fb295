package nacre.diffusion.lora;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import nacre.nn.LoraConfig;
import nacre.tensor.Tensor;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * The file of a UNet's adapters that were trained, as diffusers' {@code save_lora_weights} writes
 * it: {@code unet.<layer>.lora_A.weight} and {@code lora_B.weight}, rank and alpha in the metadata.
 * {@code load_lora_weights} of diffusers loads it, and {@link LoraMerge} as any other LoRA.
 */
public final class LoraWeights {
  /** The name of such a file, by which diffusers finds it in a folder. */
  public static final String FILE = "pytorch_lora_weights.safetensors";

  private static final JsonMapper JSON = new JsonMapper();
  private static final String UNET = "unet.";
  private static final String FACTOR = "\\.lora_[AB]\\.weight$";

  private LoraWeights() {}

  /**
   * Writes adapters.
   *
   * @param file where to, over an old one if there is one
   * @param config with which they were made
   * @param adapters A and B of each layer of the UNet, {@link nacre.nn.Parameters#adapters}
   * @throws IOException in one sentence; the old file is then as it was
   */
  public static void write(Path file, LoraConfig config, Map<String, Tensor> adapters)
      throws IOException {
    ObjectNode metadata = JSON.createObjectNode();
    metadata.put(UNET + "peft_type", "LORA");
    metadata.put(UNET + "r", config.rank());
    metadata.put(UNET + "lora_alpha", config.alpha());
    metadata.putObject(UNET + "rank_pattern");
    metadata.putObject(UNET + "alpha_pattern");
    TreeSet<String> layers = new TreeSet<>();
    adapters.keySet().forEach(name -> layers.add(name.replaceFirst(FACTOR, "")));
    layers.forEach(metadata.withArray(UNET + "target_modules")::add);
    new SafeTensorsWriter()
        .metadata(PeftAlphas.KEY, JSON.writeValueAsString(metadata))
        .addParameters(named(adapters))
        .write(file);
  }

  /**
   * Reads what {@link #write} wrote over the adapters of a model.
   *
   * @throws WeightsException in one line, if the file is missing, damaged, of other layers, or of
   *     another scale; nothing is written then
   */
  public static void read(Path file, LoraConfig config, Map<String, Tensor> adapters)
      throws WeightsException {
    try (StateDict dict = StateDict.open(file)) {
      PeftAlphas alphas = PeftAlphas.of(file, dict);
      for (String name : dict.entries().keySet()) {
        double scale =
            alphas.scale(name.replaceFirst(FACTOR, ""), config.rank()).orElse(config.scale());
        if (scale != config.scale()) {
          throw new WeightsException(
              file,
              String.format(
                  Locale.ROOT,
                  "alpha / rank of %s is %s, %s is wanted",
                  name,
                  scale,
                  config.scale()));
        }
      }
      dict.loadInto(named(adapters));
    }
  }

  private static Map<String, Tensor> named(Map<String, Tensor> adapters) {
    Map<String, Tensor> named = new LinkedHashMap<>();
    adapters.forEach((name, factor) -> named.put(UNET + name, factor));
    return named;
  }
}
