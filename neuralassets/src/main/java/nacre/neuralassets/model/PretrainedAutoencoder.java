package nacre.neuralassets.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.Map;
import nacre.diffusion.vae.VaeConfig;
import nacre.nn.Parameters;
import nacre.tensor.Tensor;
import nacre.weights.JsonFile;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A trained autoencoder in whose latents a model draws: a folder that {@code train --preset
 * autoencoder} or diffusers wrote, or the one that comes with the project.
 *
 * @param place the folder of {@code config.json}, or {@value #SHIPPED}
 * @param config its sizes
 */
public record PretrainedAutoencoder(String place, VaeConfig config) {
  /** The key of a preset that names the folder. */
  public static final String FROM = "vae_from";

  /** The name of the one that comes with the project, for pictures of rendered scenes. */
  public static final String SHIPPED = "shipped";

  private static final String VAE = "vae";
  private static final String CONFIG = "config.json";
  private static final String STEM = "diffusion_pytorch_model";
  private static final String RESOURCES = "/nacre/neuralassets/autoencoder/";

  /**
   * Reads the sizes of an autoencoder; no weight is read yet.
   *
   * @param place a folder that holds {@code vae}, or is one; or {@value #SHIPPED}
   * @throws IOException in one line, if there is none
   */
  public static PretrainedAutoencoder open(String place) throws IOException {
    if (place.equals(SHIPPED)) {
      try (InputStream in = resource(CONFIG)) {
        return new PretrainedAutoencoder(SHIPPED, VaeConfig.of(new JsonMapper().readTree(in)));
      }
    }
    Path folder = Path.of(place);
    if (Files.isDirectory(folder.resolve(VAE))) {
      folder = folder.resolve(VAE);
    }
    if (!Files.isRegularFile(folder.resolve(CONFIG))) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s: holds no autoencoder; a folder with %s and %s.safetensors is wanted, or"
                  + " \"%s\" for the one that comes with the project",
              place,
              CONFIG,
              STEM,
              SHIPPED));
    }
    JsonNode json = JsonFile.read(folder.resolve(CONFIG));
    try {
      return new PretrainedAutoencoder(folder.toString(), VaeConfig.of(json));
    } catch (IllegalArgumentException e) {
      throw new WeightsException(folder.resolve(CONFIG), e.getMessage(), e);
    }
  }

  private static InputStream resource(String name) {
    return PretrainedAutoencoder.class.getResourceAsStream(RESOURCES + name);
  }

  /** Writes the sizes into a preset's JSON, under {@code vae}. */
  void describe(ObjectNode preset) {
    preset.set(VAE, config.toJson());
  }

  /**
   * Writes the weights over those of a model.
   *
   * @param preset of the model
   * @param parameters the model's
   * @throws WeightsException in one line, if the weights are missing or do not fit
   */
  public void load(Preset preset, Parameters parameters) throws WeightsException {
    VaeConfig wanted = preset.vae().orElseThrow();
    if (!wanted.equals(config)) {
      throw new WeightsException(
          Path.of(place),
          String.format(
              Locale.ROOT, "is not the preset's vae: it has %s, the preset %s", config, wanted));
    }
    load(parameters);
  }

  /** Writes the weights over those of a model of the same sizes. */
  void load(Parameters parameters) throws WeightsException {
    Map<String, Tensor> own = parameters.at(VAE).base();
    if (!place.equals(SHIPPED)) {
      try (StateDict weights = StateDict.open(Path.of(place), STEM)) {
        weights.loadInto(own);
      }
      return;
    }
    try {
      Path file = Files.createTempFile("nacre-autoencoder", ".safetensors");
      try (InputStream in = resource(STEM + ".safetensors")) {
        Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        try (StateDict weights = StateDict.open(file)) {
          weights.loadInto(own);
        }
      } finally {
        Files.deleteIfExists(file);
      }
    } catch (WeightsException e) {
      throw e;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
