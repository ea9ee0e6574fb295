package nacre.diffusion.lora;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import nacre.weights.JsonFile;
import nacre.weights.OneLine;
import nacre.weights.WeightsException;

/**
 * A folder that holds a LoRA: one of diffusers, {@code pytorch_lora_weights.safetensors}, or one
 * that peft's {@code save_pretrained} wrote, {@code adapter_model.safetensors} beside {@code
 * adapter_config.json}; or the same in files of PyTorch, {@code .bin}.
 */
final class AdapterFolder {
  private static final String CONFIG = "adapter_config.json";

  /** What the names of tensors begin with that peft itself saves. */
  static final String PEFT_PREFIX = "base_model.model.";

  private static final List<String> FILES =
      List.of(
          LoraWeights.FILE,
          "adapter_model.safetensors",
          "pytorch_lora_weights.bin",
          "adapter_model.bin");

  private AdapterFolder() {}

  /**
   * The file of a LoRA.
   *
   * @param path the file itself, or its folder
   * @throws WeightsException in one line, if it is a folder without one
   */
  static Path file(Path path) throws WeightsException {
    if (!Files.isDirectory(path)) {
      return path;
    }
    for (String name : FILES) {
      if (Files.isRegularFile(path.resolve(name))) {
        return path.resolve(name);
      }
    }
    throw new WeightsException(path, "is a folder without " + OneLine.list(FILES));
  }

  /**
   * The {@code LoraConfig} beside a file that peft wrote.
   *
   * @throws WeightsException in one line, if it is missing, malformed or of another method
   */
  static JsonNode config(Path file) throws WeightsException {
    Path config = file.resolveSibling(CONFIG);
    if (!Files.isRegularFile(config)) {
      throw new WeightsException(
          file, "is an adapter of peft, whose alpha is in its " + CONFIG + ": put that beside it");
    }
    JsonNode json = JsonFile.read(config);
    String method = json.path("peft_type").asText("LORA");
    if (!method.equals("LORA")) {
      throw new WeightsException(
          config,
          String.format(
              Locale.ROOT, "peft_type is %s, which is not supported", OneLine.clip(method)));
    }
    return json;
  }
}
