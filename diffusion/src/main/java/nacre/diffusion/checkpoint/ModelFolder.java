package nacre.diffusion.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.function.Function;
import nacre.weights.JsonFile;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A model as diffusers keeps it: {@code unet/config.json}, {@code
 * unet/diffusion_pytorch_model.safetensors} and so on.
 *
 * @param root the folder that holds the components' folders
 */
public record ModelFolder(Path root) implements Checkpoint {
  @Override
  public <T> T config(String name, Function<JsonNode, T> build) throws WeightsException {
    return JsonFile.read(root.resolve(name), build);
  }

  @Override
  public StateDict weights(Component component) throws WeightsException {
    StateDict dict = StateDict.open(root.resolve(component.folder()), component.stem());
    try {
      return dict.rename(name -> Checkpoint.presentName(component, name));
    } catch (WeightsException e) {
      dict.close();
      throw e;
    }
  }
}
