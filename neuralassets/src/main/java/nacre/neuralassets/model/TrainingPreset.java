package nacre.neuralassets.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import nacre.weights.TextFile;

/**
 * What a run trains, and how: a {@link Preset} trains a model of Neural Assets, an {@link
 * AutoencoderPreset} the autoencoder that one draws in. The file's key {@code model} tells them
 * apart.
 */
public sealed interface TrainingPreset permits Preset, AutoencoderPreset {
  /** The name in messages. */
  String name();

  /** S, side of the images. */
  int imageSize();

  /** How to train. */
  Preset.Training training();

  /** The data set, which {@code DataConfig} reads. */
  Optional<JsonNode> data();

  /** The file's own text. */
  String json();

  /** The names of the presets that come with the project. */
  static List<String> builtin() {
    return Stream.concat(Stream.of(AutoencoderPreset.BUILTIN), Preset.builtin().stream()).toList();
  }

  /**
   * A preset by the name of a built-in one, or from a file.
   *
   * @throws IOException if the file cannot be read
   * @throws IllegalArgumentException in one line, if there is neither, or its content is wrong
   */
  static TrainingPreset named(String name) throws IOException {
    if (name.equals(AutoencoderPreset.BUILTIN)) {
      return AutoencoderPreset.of(name, Preset.resource(name));
    }
    Path file = Path.of(name);
    if (!Preset.builtin().contains(name) && Files.isRegularFile(file)) {
      String json = TextFile.read(file);
      if (AutoencoderPreset.is(name, json)) {
        return AutoencoderPreset.of(name, json);
      }
    }
    return Preset.named(name);
  }

  /**
   * A preset in a text.
   *
   * @param name its name in messages
   * @throws IllegalArgumentException in one line, if the text is wrong
   */
  static TrainingPreset of(String name, String json) {
    return AutoencoderPreset.is(name, json)
        ? AutoencoderPreset.of(name, json)
        : Preset.of(name, json);
  }
}
