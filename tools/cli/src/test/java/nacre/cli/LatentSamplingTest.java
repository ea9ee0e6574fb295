package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models that draw latents: pictures, sheets and evaluation at their own size. */
class LatentSamplingTest {
  @TempDir Path folder;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  @ParameterizedTest
  @ValueSource(ints = {64, 256})
  void picturesHaveTheSizeOfTheModel(int size) throws IOException {
    Path run = folder.resolve("run");
    LatentModel.begin(run, LatentModel.preset(size), "", 2);
    Path out = folder.resolve("out");
    CommandLineRun drawn =
        CommandLineRun.of("sample", "--model", run, "--rows", 1, "--steps", 1, "--out", out);
    assertEquals(0, drawn.status(), drawn::err);
    assertTrue(drawn.out().contains("%1$dx%1$d".formatted(size)), drawn::out);
    BufferedImage sheet = ImageIO.read(out.resolve("sheet.png").toFile());
    int tile = Math.max(size, 128); // small pictures are enlarged by a whole factor
    assertTrue(sheet.getWidth() > 9 * tile && sheet.getWidth() < 11 * tile, "" + sheet.getWidth());
    assertTrue(sheet.getHeight() > tile, "" + sheet.getHeight());
    BufferedImage turn = ImageIO.read(out.resolve("turn.gif").toFile());
    assertEquals(256, turn.getHeight());
    assertEquals(256, turn.getWidth());

    CommandLineRun measured =
        CommandLineRun.of("eval", "--model", run, "--pairs", 2, "--steps", 1, "--json");
    assertEquals(0, measured.status(), measured::err);
    assertTrue(measured.out().contains("\"psnr\""), measured::out);
  }
}
