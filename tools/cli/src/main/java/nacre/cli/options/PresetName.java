package nacre.cli.options;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import nacre.neuralassets.model.AutoencoderPreset;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.PresetFile;
import nacre.neuralassets.model.TrainingPreset;
import nacre.weights.NearName;

/** The preset that a word of the command line names. */
public final class PresetName {
  private PresetName() {}

  /**
   * As {@link #read}, for one of a model of Neural Assets.
   *
   * @throws UsageException if it trains an autoencoder
   */
  public static Preset assets(String name) throws IOException {
    return switch (read(name)) {
      case Preset preset -> preset;
      case AutoencoderPreset _ ->
          throw new UsageException(
              String.format(
                  Locale.ROOT, "--preset: %s trains an autoencoder; that is not timed here", name));
    };
  }

  /**
   * Reads a built-in preset, or a file.
   *
   * @throws UsageException if it is the name of neither
   * @throws IOException if a file cannot be read
   * @throws IllegalArgumentException in one line, if its content is wrong
   */
  public static TrainingPreset read(String name) throws IOException {
    return file(name).trained();
  }

  /** As {@link #read}, for a preset that may still lack what comes with a pretrained model. */
  public static PresetFile file(String name) throws IOException {
    Path file = Path.of(name);
    if (PresetFile.builtin().contains(name) || Files.exists(file)) {
      return PresetFile.named(name);
    }
    if (name.endsWith(".json") || file.getNameCount() > 1) {
      throw new NoSuchFileException(name);
    }
    throw new UsageException(
        String.format(
            Locale.ROOT,
            "--preset: there is no preset '%s'; there are %s, and any JSON file%s",
            name,
            String.join(", ", PresetFile.builtin()),
            NearName.hint(name, PresetFile.builtin())));
  }
}
