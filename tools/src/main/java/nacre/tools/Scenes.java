package nacre.tools;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.edit.EditException;
import nacre.neuralassets.edit.SceneLibrary;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneReader;

/** Scenes by name: a number is a held-out scene, everything else a folder. Each is had once. */
final class Scenes implements SceneLibrary {
  private final DataConfig config;
  private final int size;
  private final Map<String, SceneView> views = new HashMap<>();

  Scenes(Preset preset) {
    this.config = dataOf(preset);
    this.size = preset.imageSize();
  }

  /** The part of a preset that says what it is trained on. */
  static DataConfig dataOf(Preset preset) {
    return DataConfig.of(
        preset
            .data()
            .orElseThrow(
                () ->
                    new UserException(
                        "preset %s: \"data\" is missing; it says what to train on"
                            .formatted(preset.name()))));
  }

  DataConfig config() {
    return config;
  }

  @Override
  public SceneView view(String name) throws IOException {
    SceneView known = views.get(name);
    if (known == null) {
      known = SceneView.of(name, scene(name), size, config.slots());
      views.put(name, known);
    }
    return known;
  }

  private Scene scene(String name) throws IOException {
    if (!name.matches("\\d+")) {
      return SceneReader.read(Path.of(name));
    }
    try {
      return HeldOut.scene(config, Long.parseLong(name), size);
    } catch (NumberFormatException e) {
      throw new EditException("scene " + name + ": the number is too large");
    }
  }
}
