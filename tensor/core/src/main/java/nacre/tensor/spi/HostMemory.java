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

  /** What a container's files and the kernel's records of them take, and give up at need. */
  private static final List<String> GIVEN_UP =
      List.of("inactive_file ", "active_file ", "slab_reclaimable ");

  /** Bytes, within the limit of a container; empty where the system does not tell. */
  static OptionalLong available() {
    return available(MACHINE, GROUP);
  }

  /**
   * The same, as other files have it.
   *
   * @param meminfo in the format of {@code /proc/meminfo}
   * @param group folder of a control group, version 2
   */
  static OptionalLong available(Path meminfo, Path group) {
    OptionalLong machine = line(meminfo, "MemAvailable:");
    if (machine.isEmpty()) {
      return machine;
    }
    long bytes = machine.getAsLong() << 10;
    OptionalLong limit = line(group.resolve("memory.max"), "");
    OptionalLong used = line(group.resolve("memory.current"), "");
    if (limit.isEmpty() || used.isEmpty()) {
      return OptionalLong.of(bytes);
    }
    Path statistics = group.resolve("memory.stat");
    long left = limit.getAsLong() - used.getAsLong();
    for (String words : GIVEN_UP) {
      left += line(statistics, words).orElse(0);
    }
    return OptionalLong.of(Math.clamp(left, 0, bytes));
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
