package nacre.cli.options;

import java.io.IOException;
import nacre.neuralassets.data.ClipLocation;

/** The data set that a word of the command line names. */
public final class DataName {
  private DataName() {}

  /**
   * Parses {@code [NAME:]LOCATION}; whether there is anything at the location is not looked at.
   *
   * @throws UsageException if no kind of data set has that name, or several could have the location
   */
  public static ClipLocation parse(String text) {
    try {
      return ClipLocation.parse(text);
    } catch (IOException e) {
      throw new UsageException("--data: " + e.getMessage(), e);
    }
  }
}
