package nacre.tensor.spi;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a program can have of a machine's and of a container's memory. */
class HostMemoryTest {
  private static final String STATISTICS =
      """
      anon 5000
      file 700
      inactive_anon 30
      inactive_file 400
      active_file 300
      slab_reclaimable 20
      slab_unreclaimable 9
      """;

  @TempDir Path folder;
  private Path machine;

  @BeforeEach
  void machine() throws IOException {
    machine = file("meminfo", "MemTotal:  16 kB\nMemFree:  1 kB\nMemAvailable:       8 kB\n");
  }

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private OptionalLong available() {
    return HostMemory.available(machine, folder);
  }

  @Test
  void withoutAContainerItIsTheMachines() throws IOException {
    assertEquals(OptionalLong.of(8192), available());
    file("memory.max", "max\n");
    file("memory.current", "9000\n");
    assertEquals(OptionalLong.of(8192), available());
    machine = folder.resolve("none");
    assertEquals(OptionalLong.empty(), available());
  }

  /** Files that are cached, of both lists, and reclaimable slabs are given up at need. */
  @Test
  void aContainersCachesAreFree() throws IOException {
    file("memory.max", "7000\n");
    file("memory.current", "6000\n");
    assertEquals(OptionalLong.of(1000), available());
    file("memory.stat", STATISTICS);
    assertEquals(OptionalLong.of(1000 + 400 + 300 + 20), available());
    file("memory.max", "70000\n");
    assertEquals(OptionalLong.of(8192), available());
    file("memory.max", "5000\n"); // lowered while more is in use
    assertEquals(OptionalLong.of(0), available());
  }
}
