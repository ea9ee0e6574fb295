package nacre.cli;

import java.io.IOException;
import java.util.Locale;
import nacre.cli.options.DataName;
import nacre.cli.options.UserException;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.model.Preset;

/** The data set that a command on data sets is given, and a clip of it. */
public final class DataChoice {
  private DataChoice() {}

  /**
   * Opens a data set as a run with the preset {@code demo} would.
   *
   * @param name {@code [NAME:]LOCATION}
   */
  static ClipSource open(String name) throws IOException {
    return open(name, Preset.builtin("demo"));
  }

  /** Opens a data set as a run with a preset would. */
  public static ClipSource open(String name, Preset preset) throws IOException {
    DataConfig config = Scenes.dataOf(preset);
    return DataName.parse(name).open(new ClipSourceProvider.Request(config, preset.imageSize(), 0));
  }

  /**
   * The index of a clip.
   *
   * @param clip its number or its identity
   * @throws UserException if there is none
   */
  static int index(ClipSource source, String clip) {
    if (clip.matches("\\d{1,9}")) {
      int index = Integer.parseInt(clip);
      if (index < source.size()) {
        return index;
      }
    } else {
      for (int i = 0; i < source.size() && source.size() != ClipSource.ENDLESS; i++) {
        if (source.id(i).equals(clip)) {
          return i;
        }
      }
    }
    throw new UserException(
        String.format(
            Locale.ROOT,
            "%s holds no clip %s; it holds %,d, which are numbered from 0",
            source.describe(),
            clip,
            source.size()));
  }
}
