package nacre.cli.options;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import nacre.neuralassets.model.Preset;
import nacre.weights.NearName;

/** The preset that a word of the command line names. */
public final class PresetName {
  private PresetName() {}

  /**
   * Reads a built-in preset, or a file.
   *
   * @throws UsageException if it is the name of neither
   * @throws IOException if the file cannot be read
   * @throws IllegalArgumentException in one line, if its content is wrong
   */
  public static Preset read(String name) throws IOException {
    Path file = Path.of(name);
    if (Preset.builtin().contains(name) || Files.exists(file)) {
      return Preset.named(name);
    }
    if (name.endsWith(".json") || file.getNameCount() > 1) {
      throw new NoSuchFileException(name);
    }
    throw new UsageException(
        String.format(
            Locale.ROOT,
            "--preset: there is no preset '%s'; there are %s, and any JSON file%s",
            name,
            String.join(", ", Preset.builtin()),
            NearName.hint(name, Preset.builtin())));
  }
}
