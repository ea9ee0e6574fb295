package nacre.neuralassets.autoencoder;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import nacre.neuralassets.model.AutoencoderPreset;
import nacre.tensor.Tensor;
import nacre.weights.JsonFile;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * An autoencoder on disk: {@code vae}, which diffusers opens as an {@code AutoencoderKL}, and
 * {@code preset.json} beside it, from which it was trained.
 */
final class AutoencoderFolder {
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
    ObjectNode config = preset.vae().toJson();
    config.put("scaling_factor", scalingFactor);
    Path vae = Files.createDirectories(folder.resolve(VAE));
    JsonFile.write(vae.resolve("config.json"), config);
    new SafeTensorsWriter().addParameters(parameters).write(vae.resolve(STEM + ".safetensors"));
    ObjectNode index = JsonNodeFactory.instance.objectNode().put("_class_name", "Autoencoder");
    index.put("_preset", preset.name()).putArray(VAE).add("diffusers").add("AutoencoderKL");
    JsonFile.write(folder.resolve("model_index.json"), index);
    Files.writeString(folder.resolve("preset.json"), preset.json());
  }

  /** Writes the tensors of a folder over parameters. */
  static void read(Path folder, Map<String, Tensor> parameters) throws WeightsException {
    try (StateDict saved = StateDict.open(folder.resolve(VAE), STEM)) {
      saved.loadInto(parameters);
    }
  }
}
