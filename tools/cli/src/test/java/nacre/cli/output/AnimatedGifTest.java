package nacre.cli.output;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.ImageInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.NodeList;

class AnimatedGifTest {
  private static final Duration DELAY = Duration.ofMillis(80);

  @TempDir Path folder;

  private static double rootMeanSquare(BufferedImage a, BufferedImage b) {
    double sum = 0;
    for (int y = 0; y < a.getHeight(); y++) {
      for (int x = 0; x < a.getWidth(); x++) {
        for (int shift = 0; shift <= 16; shift += 8) {
          int d = (a.getRGB(x, y) >> shift & 0xFF) - (b.getRGB(x, y) >> shift & 0xFF);
          sum += d * d;
        }
      }
    }
    return Math.sqrt(sum / (3.0 * a.getWidth() * a.getHeight()));
  }

  @Test
  void framesComeBackNearlyAsTheyWere() throws IOException {
    List<BufferedImage> frames =
        IntStream.range(0, 12).mapToObj(i -> Pictures.scene(32, 4 + 2 * i)).toList();
    for (Upscaling upscaling : Upscaling.values()) {
      Path file = folder.resolve(upscaling + ".gif");
      AnimatedGif.write(file, frames, DELAY, 4, upscaling);
      ImageReader reader = ImageIO.getImageReadersByFormatName("gif").next();
      try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
        reader.setInput(in);
        assertEquals(frames.size(), reader.getNumImages(true));
        for (int i = 0; i < frames.size(); i++) {
          BufferedImage wanted = upscaling.apply(frames.get(i), 4);
          assertEquals(wanted.getWidth(), reader.getWidth(i));
          assertTrue(rootMeanSquare(wanted, reader.read(i)) < 4, "frame " + i);
          IIOMetadataNode tree =
              (IIOMetadataNode) reader.getImageMetadata(i).getAsTree("javax_imageio_gif_image_1.0");
          NodeList control = tree.getElementsByTagName("GraphicControlExtension");
          assertEquals("8", ((IIOMetadataNode) control.item(0)).getAttribute("delayTime"));
          assertEquals(0, tree.getElementsByTagName("LocalColorTable").getLength());
          NodeList loop = tree.getElementsByTagName("ApplicationExtension");
          assertEquals(i == 0 ? 1 : 0, loop.getLength());
          if (i == 0) {
            IIOMetadataNode forEver = (IIOMetadataNode) loop.item(0);
            assertEquals("NETSCAPE", forEver.getAttribute("applicationID"));
            assertArrayEquals(new byte[] {1, 0, 0}, (byte[]) forEver.getUserObject());
          }
        }
      } finally {
        reader.dispose();
      }
    }
  }

  @Test
  void fewColorsAreKeptExactly() {
    BufferedImage picture = Pictures.plain(16, 16, 0x123456);
    picture.setRGB(3, 3, 0xFEDCBA);
    picture.setRGB(4, 3, 0x00FF7F);
    BufferedImage indexed = Palette.of(List.of(picture)).apply(picture, 1);
    assertEquals(0, rootMeanSquare(picture, indexed));
  }

  @Test
  void ditheringKeepsTheMeanOfAFade() {
    BufferedImage fade = new BufferedImage(256, 64, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < 64; y++) {
      for (int x = 0; x < 256; x++) {
        fade.setRGB(x, y, x << 16 | 2 * y << 8 | (255 - x));
      }
    }
    BufferedImage dithered = Palette.of(List.of(fade)).apply(fade, 1);
    for (int x = 16; x < 240; x += 16) {
      double wanted = 0;
      double got = 0;
      for (int dx = 0; dx < 16; dx++) {
        for (int y = 16; y < 32; y++) {
          wanted += fade.getRGB(x + dx, y) >> 16 & 0xFF;
          got += dithered.getRGB(x + dx, y) >> 16 & 0xFF;
        }
      }
      assertEquals(wanted / 256, got / 256, 1.5);
    }
  }

  @Test
  void whatIsNoAnimationIsRefused() {
    BufferedImage small = Pictures.plain(2, 2, 0);
    BufferedImage large = Pictures.plain(3, 2, 0);
    for (List<BufferedImage> frames : List.of(List.<BufferedImage>of(), List.of(small, large))) {
      assertThrows(
          IllegalArgumentException.class,
          () -> AnimatedGif.encode(frames, DELAY, 1, Upscaling.NEAREST));
    }
    assertThrows(
        IllegalArgumentException.class,
        () -> AnimatedGif.encode(List.of(small), Duration.ZERO, 1, Upscaling.NEAREST));
  }
}
