package nacre.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessorsTest {

  @TempDir Path temp;

  @Test
  void countsThisMachinesCores() {
    int cores = Processors.physicalCores();
    assertTrue(cores >= 1 && cores <= Runtime.getRuntime().availableProcessors(), "" + cores);
  }

  @Test
  void countsTwoThreadsOfOneCoreOnceAndOnlyThoseAllowed() throws IOException {
    // Four cores of two threads each, of which the process may use 0, 1, 4, 5 and 6.
    for (int cpu = 0; cpu < 8; cpu++) {
      Path topology = Files.createDirectories(temp.resolve("cpu" + cpu + "/topology"));
      Files.writeString(
          topology.resolve("thread_siblings_list"), cpu % 4 + "," + (cpu % 4 + 4) + "\n");
    }
    Path status = temp.resolve("status");
    Files.writeString(status, "Name:\tjava\nCpus_allowed_list:\t0-1,4-6\nVmRSS: 5 kB\n");
    assertEquals(3, Processors.linuxCores(status, temp));
  }

  @Test
  void saysNothingWhereTheKernelDoesNot() throws IOException {
    Path status = Files.writeString(temp.resolve("status"), "Cpus_allowed_list:\t0-3\n");
    assertEquals(0, Processors.linuxCores(status, temp.resolve("absent")));
  }
}
