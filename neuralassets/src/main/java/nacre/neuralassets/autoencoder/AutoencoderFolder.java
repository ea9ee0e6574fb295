package nacre.neuralassets.autoencoder;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import nacre.diffusion.vae.VaeConfig;
import nacre.neuralassets.model.AutoencoderPreset;
import nacre.tensor.Tensor;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * An autoencoder on disk: {@code vae}, which diffusers opens as an {@code AutoencoderKL}, and
 * {@code preset.json} beside it, from which it was trained.
 */
final class AutoencoderFolder {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String VAE = "vae";
  private static final String STEM = "diffusion_pytorch_model";

  private AutoencoderFolder() {}

  /**
   * Writes a model into an existing folder.
   *
   * @param scalingFactor what makes the variance of its latents 1
   */
  static void write(
      Path folder, AutoencoderPreset preset, Map<String, Tensor> parameters, double scalingFactor)
      throws IOException {
    ObjectNode config = VaeConfig.of(JSON.readTree(preset.json()).get(VAE)).toJson();
    config.put("scaling_factor", scalingFactor);
    Path vae = Files.createDirectories(folder.resolve(VAE));
    write(vae.resolve("config.json"), config);
    new SafeTensorsWriter().addParameters(parameters).write(vae.resolve(STEM + ".safetensors"));
    ObjectNode index = JSON.createObjectNode().put("_class_name", "Autoencoder");
    index.put("_preset", preset.name()).putArray(VAE).add("diffusers").add("AutoencoderKL");
    write(folder.resolve("model_index.json"), index);
    Files.writeString(folder.resolve("preset.json"), preset.json());
  }

  private static void write(Path file, JsonNode json) throws IOException {
    Files.write(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(json));
  }

  /** Writes the tensors of a folder over parameters. */
  static void read(Path folder, Map<String, Tensor> parameters) throws WeightsException {
    try (StateDict saved = StateDict.open(folder.resolve(VAE), STEM)) {
      saved.loadInto(parameters);
    }
  }
}
