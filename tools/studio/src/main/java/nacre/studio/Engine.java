package nacre.studio;

import java.io.IOException;
import java.nio.file.Path;
import nacre.diffusion.StableDiffusion;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.training.ModelFolder;
import nacre.tensor.Device;
import nacre.tensor.Scope;

/**
 * The one model that is in memory. Another takes its place when it is asked for. Used by the
 * worker's thread only, to whose scopes the tensors belong.
 */
final class Engine implements AutoCloseable {
  private final Device device;
  private Path loaded;
  private Scope scope;
  private NeuralAssets assets;
  private StableDiffusion text;

  Engine(Device device) {
    this.device = device;
  }

  Device device() {
    return device;
  }

  /** A Neural Assets model. */
  NeuralAssets assets(Path folder) throws IOException {
    if (!folder.equals(loaded) || assets == null) {
      close();
      scope = Scope.open();
      try {
        assets = ModelFolder.load(folder, device);
        loaded = folder;
      } finally {
        if (assets == null) {
          close();
        }
      }
    }
    return assets;
  }

  /** A Stable Diffusion model. */
  StableDiffusion text(Path model, nacre.diffusion.LoadOptions options) throws IOException {
    Path key = model.resolve(options.loras().toString());
    if (!key.equals(loaded) || text == null) {
      close();
      text = StableDiffusion.load(model, device, options);
      loaded = key;
    }
    return text;
  }

  /** Lets the model go. */
  @Override
  public void close() {
    loaded = null;
    assets = null;
    if (scope != null) {
      scope.close();
      scope = null;
    }
    if (text != null) {
      text.close();
      text = null;
    }
  }
}
