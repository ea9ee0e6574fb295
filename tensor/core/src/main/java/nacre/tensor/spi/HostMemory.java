package nacre.tensor.spi;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/** What a program can still have of the host's memory, by what Linux says of it. */
final class HostMemory {
  private static final Path MACHINE = Path.of("/proc/meminfo");
  private static final Path GROUP = Path.of("/sys/fs/cgroup");

  private HostMemory() {}

  /** Bytes, within the limit of a container; empty where the system does not tell. */
  static OptionalLong available() {
    OptionalLong machine = line(MACHINE, "MemAvailable:");
    if (machine.isEmpty()) {
      return machine;
    }
    long bytes = machine.getAsLong() << 10;
    OptionalLong limit = line(GROUP.resolve("memory.max"), "");
    OptionalLong used = line(GROUP.resolve("memory.current"), "");
    if (limit.isEmpty() || used.isEmpty()) {
      return OptionalLong.of(bytes);
    }
    // Files that are cached count as used and are given up where there is need.
    long cached = line(GROUP.resolve("memory.stat"), "inactive_file ").orElse(0);
    return OptionalLong.of(Math.min(bytes, limit.getAsLong() - used.getAsLong() + cached));
  }

  /** The number behind the first words of a line; empty where there is none. */
  private static OptionalLong line(Path file, String words) {
    try {
      List<String> lines = Files.readAllLines(file);
      return lines.stream()
          .filter(line -> line.startsWith(words))
          .map(line -> line.substring(words.length()).strip().split(" ")[0])
          .filter(number -> number.matches("\\d{1,18}"))
          .mapToLong(Long::parseLong)
          .findFirst();
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }
}
