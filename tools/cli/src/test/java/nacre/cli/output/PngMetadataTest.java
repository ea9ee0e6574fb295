package nacre.cli.output;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PngMetadataTest {
  @TempDir Path folder;

  @Test
  void textsAndPixelsComeBack() throws IOException {
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put("nacre.command", "sample --edit \"rotate red-box 90°\"\n--steps 20");
    texts.put("nacre.scene", "Würfel → 箱");
    texts.put("nacre.empty", "");
    BufferedImage picture = Pictures.scene(20, 9);
    Path file = folder.resolve("sheet.png");
    PngMetadata.write(file, picture, texts);
    assertEquals(texts, PngMetadata.read(file));
    BufferedImage read = ImageIO.read(file.toFile());
    assertArrayEquals(
        picture.getRGB(0, 0, 20, 20, null, 0, 20), read.getRGB(0, 0, 20, 20, null, 0, 20));
    PngMetadata.write(file, picture, Map.of());
    assertEquals(Map.of(), PngMetadata.read(file));
  }

  @Test
  void badKeywordsAndFilesAreNamed() throws IOException {
    BufferedImage picture = Pictures.plain(1, 1, 0);
    for (String keyword : new String[] {"", "箱", "k".repeat(80), "two\nlines"}) {
      assertThrows(
          IllegalArgumentException.class,
          () -> PngMetadata.encode(picture, Map.of(keyword, "text")));
    }
    Path cut = folder.resolve("cut.png");
    Files.write(cut, new byte[] {1, 2, 3});
    for (Path file : new Path[] {cut, folder.resolve("missing.png")}) {
      IOException failure = assertThrows(IOException.class, () -> PngMetadata.read(file));
      assertTrue(
          failure.getMessage().startsWith("cannot read " + file + ": "), failure.getMessage());
    }
  }
}
