package nacre.diffusion.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A Stable Diffusion model on disk, in whichever of its ways: a folder with a config and weights
 * for each component, or a single file. Both give the same configs and, under diffusers' present
 * names, the same weights.
 */
public sealed interface Checkpoint permits ModelFolder, SingleFile {

  /**
   * Opens what lies at a path.
   *
   * @throws WeightsException if there is nothing, or no model that is known, in one line
   */
  static Checkpoint open(Path path) throws WeightsException {
    return Files.isDirectory(path) ? new ModelFolder(path) : SingleFile.open(path);
  }

  /**
   * Builds something from one of the model's JSON files.
   *
   * @param name below the model's folder, {@code unet/config.json}
   * @param build may refuse what it is given by an {@link IllegalArgumentException}
   * @throws WeightsException if it is missing, malformed or refused, in one line
   */
  <T> T config(String name, Function<JsonNode, T> build) throws WeightsException;

  /**
   * The weights of a component. To be closed.
   *
   * @throws WeightsException if they are missing or malformed, in one line
   */
  StateDict weights(Component component) throws WeightsException;

  /**
   * The present name of a component's tensor, which old files may name otherwise: diffusers once
   * had {@code query} for {@code to_q}, transformers has dropped {@code text_model.}. Null for what
   * is no weight.
   */
  static String presentName(Component component, String name) {
    return switch (component) {
      case UNET -> name;
      case VAE -> AutoencoderKL.currentName(name);
      case TEXT_ENCODER -> {
        String full = name.startsWith("text_model.") ? name : "text_model." + name;
        yield full.equals("text_model.embeddings.position_ids") ? null : full;
      }
    };
  }
}
