package nacre.cli.output;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

  @Test
  void unlessThatIsWanted() throws IOException {
    assertEquals("a-fox-0.png", written(false, 1));
    assertEquals("a-fox-0.png", written(true, 2));
  }
}
