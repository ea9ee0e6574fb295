package nacre.neuralassets.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;

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
  TrainingConfig training();

  /** The data set, which {@code DataConfig} reads. */
  Optional<JsonNode> data();

  /** The file's own text. */
  String json();

  /**
   * A preset in a text.
   *
   * @param name its name in messages
   * @throws IllegalArgumentException in one line, if the text is wrong
   */
  static TrainingPreset of(String name, String json) {
    return of(PresetFile.of(name, json));
  }

  /** As {@link #of(String, String)}. */
  static TrainingPreset of(PresetFile file) {
    return AutoencoderPreset.is(file) ? AutoencoderPreset.of(file) : Preset.of(file);
  }
}
