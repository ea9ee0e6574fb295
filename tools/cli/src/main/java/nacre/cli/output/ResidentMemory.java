package nacre.cli.output;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The resident memory of this process, native libraries included. */
public final class ResidentMemory {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Pattern NOW = Pattern.compile("(?m)^VmRSS:\\s+(\\d+) kB$");
  private static final Pattern PEAK = Pattern.compile("(?m)^VmHWM:\\s+(\\d+) kB$");

  private ResidentMemory() {}

  /** Bytes; empty on systems other than Linux, which give no such number to a Java process. */
  public static OptionalLong bytes() {
    return read(NOW);
  }

  /** The most bytes so far; empty where {@link #bytes} is. */
  public static OptionalLong peak() {
    return read(PEAK);
  }

  private static OptionalLong read(Pattern line) {
    try {
      Matcher matcher = line.matcher(Files.readString(STATUS));
      return matcher.find()
          ? OptionalLong.of(Long.parseLong(matcher.group(1)) * 1024)
          : OptionalLong.empty();
    } catch (IOException notLinux) {
      return OptionalLong.empty();
    }
  }
}
