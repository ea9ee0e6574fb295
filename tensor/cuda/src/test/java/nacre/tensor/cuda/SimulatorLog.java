package nacre.tensor.cuda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What the simulated libraries write down of what takes real ones long: made, read, compiled. */
public record SimulatorLog(Path file) {
  /** The setting that names the file. */
  public static final String SETTING = "NACRE_SIM_LOG";

  /** The lines since this was last asked. */
  public List<String> lines() {
    try {
      List<String> lines = Files.exists(file) ? Files.readAllLines(file) : List.of();
      Files.deleteIfExists(file);
      return lines;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
