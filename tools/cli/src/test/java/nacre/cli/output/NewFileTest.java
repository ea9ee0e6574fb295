package nacre.cli.output;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NewFileTest {
  @TempDir Path folder;

  private String written(boolean overwrite, int content) throws IOException {
    Path file = folder.resolve("a-fox-0.png");
    Path written = new NewFile(overwrite).write(file, new byte[] {(byte) content});
    assertArrayEquals(new byte[] {(byte) content}, Files.readAllBytes(written));
    return folder.relativize(written).toString();
  }

  @Test
  void nothingIsLost() throws IOException {
    assertEquals("a-fox-0.png", written(false, 1));
    assertEquals("a-fox-0-2.png", written(false, 2));
    assertEquals("a-fox-0-3.png", written(false, 3));
    assertEquals("a-fox-0-2.png", written(false, 2)); // which is there already
    assertArrayEquals(new byte[] {1}, Files.readAllBytes(folder.resolve("a-fox-0.png")));
  }

  /** As of several processes that draw into one folder. */
  @Test
  void norWhenSeveralWriteAtOnce() throws Exception {
    Path file = folder.resolve("new/a.png");
    int writers = 8;
    CyclicBarrier together = new CyclicBarrier(writers);
    try (ExecutorService threads = Executors.newFixedThreadPool(writers)) {
      List<Future<Path>> written = new ArrayList<>();
      for (int i = 0; i < writers; i++) {
        byte[] content = {(byte) i, 7};
        written.add(
            threads.submit(
                () -> {
                  together.await();
                  return new NewFile(false).write(file, content);
                }));
      }
      for (int i = 0; i < writers; i++) {
        assertArrayEquals(new byte[] {(byte) i, 7}, Files.readAllBytes(written.get(i).get()));
      }
    }
    try (Stream<Path> files = Files.list(file.getParent())) {
      assertEquals(writers, files.count());
    }
  }

  @Test
  void unlessThatIsWanted() throws IOException {
    assertEquals("a-fox-0.png", written(false, 1));
    assertEquals("a-fox-0.png", written(true, 2));
  }
}
