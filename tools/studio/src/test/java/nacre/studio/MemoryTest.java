package nacre.studio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Locale;
import nacre.cli.output.ResidentMemory;
import nacre.tensor.Memory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Many edits in a row: what they take, and that nothing of it stays. */
class MemoryTest {
  /** {@code -Dnacre.studio.edits=1000} makes more of them. */
  private static final int EDITS = Integer.getInteger("nacre.studio.edits", 60);

  private static final double MEBIBYTE = 1 << 20;

  @Test
  void editsInARowLeaveNothingBehind(@TempDir Path out) throws Exception {
    try (TestStudio studio = new TestStudio(out, TestStudio.DEMO)) {
      edit(studio, 0);
      long tensors = Memory.liveTensors();
      long bytes = Memory.liveBytes();
      long heap = heap();
      double first = 0;
      double last = 0;
      for (int i = 1; i <= EDITS; i++) {
        double seconds = edit(studio, i);
        first += i <= EDITS / 4 ? seconds : 0;
        last += i > EDITS - EDITS / 4 ? seconds : 0;
      }
      assertEquals(tensors, Memory.liveTensors());
      assertEquals(bytes, Memory.liveBytes());
      double grown = (heap() - heap) / MEBIBYTE;
      System.out.printf(
          Locale.ROOT,
          "%d edits: %.3f s each at first, %.3f s in the end; the heap grew by %.1f MiB, %s%n",
          EDITS,
          first / (EDITS / 4),
          last / (EDITS / 4),
          grown,
          ResidentMemory.peak().isPresent()
              ? "the process took " + ResidentMemory.peak().getAsLong() / (1 << 20) + " MiB at most"
              : "");
      assertTrue(grown < 24, () -> "the heap grew by " + grown + " MiB");
    }
    assertEquals(0, Memory.liveTensors());
  }

  private static double edit(TestStudio studio, int i) throws Exception {
    JsonNode job =
        studio.draw(
            "/api/draw",
            String.format(
                Locale.ROOT,
                "{\"scene\":\"%d\",\"preview\":true,\"seed\":%d,\"edits\":[{\"edit\":\"background\",\"scene\":\"%d\"}]}",
                i % 40,
                i,
                (i + 1) % 40));
    assertEquals("done", job.get("state").textValue(), job::toString);
    return job.get("seconds").doubleValue();
  }

  private static long heap() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }
}
