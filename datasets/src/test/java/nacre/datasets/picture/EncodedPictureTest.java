package nacre.datasets.picture;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import nacre.neuralassets.scene.PngFile;
import org.junit.jupiter.api.Test;

class EncodedPictureTest {
  private static byte[] encoded(String format) throws IOException {
    return encoded(format, BufferedImage.TYPE_INT_RGB);
  }

  private static byte[] encoded(String format, int type) throws IOException {
    BufferedImage image = new BufferedImage(40, 24, type);
    for (int y = 0; y < 24; y++) {
      for (int x = 0; x < 40; x++) {
        image.setRGB(x, y, (x * 6) << 16 | (y * 10) << 8 | (x * y & 0xFF));
      }
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    assertTrue(ImageIO.write(image, format, out));
    return out.toByteArray();
  }

  private record Kind(String format, int type) {}

  @Test
  void pixelsAreThoseOfThePicture() throws IOException {
    for (Kind kind :
        List.of(
            new Kind("jpeg", BufferedImage.TYPE_INT_RGB),
            new Kind("jpeg", BufferedImage.TYPE_BYTE_GRAY),
            new Kind("png", BufferedImage.TYPE_INT_RGB),
            new Kind("png", BufferedImage.TYPE_BYTE_INDEXED),
            new Kind("png", BufferedImage.TYPE_BYTE_GRAY))) {
      byte[] bytes = encoded(kind.format, kind.type);
      byte[] want = PngFile.rgb(ImageIO.read(new ByteArrayInputStream(bytes)));
      assertArrayEquals(want, new EncodedPicture(bytes, "here").rgb(40, 24), kind::toString);
    }
  }

  @Test
  void whatIsCutShortIsRefused() throws IOException {
    for (String format : new String[] {"jpeg", "png"}) {
      byte[] bytes = encoded(format);
      for (int length = 0; length < bytes.length - 20; length += 7) {
        EncodedPicture cut = new EncodedPicture(Arrays.copyOf(bytes, length), "x.parquet: row 3");
        IOException e = assertThrows(IOException.class, () -> cut.rgb(40, 24), format + length);
        assertTrue(e.getMessage().startsWith("x.parquet: row 3: the picture "), e.getMessage());
      }
    }
  }

  @Test
  void anotherSizeIsRefused() throws IOException {
    EncodedPicture picture = new EncodedPicture(encoded("jpeg"), "here");
    assertEquals(
        "here: the picture is 40×24 pixels instead of 24×40",
        assertThrows(IOException.class, () -> picture.rgb(24, 40)).getMessage());
  }

  @Test
  void aBombIsRefusedByItsHeader() throws IOException {
    byte[] png = encoded("png");
    ByteBuffer header = ByteBuffer.wrap(png);
    header.putInt(16, 65535).putInt(20, 65535);
    CRC32 crc = new CRC32();
    crc.update(png, 12, 17);
    header.putInt(29, (int) crc.getValue());
    assertEquals(
        "here: the picture claims 65535×65535 pixels; at most 67,108,864 are read",
        assertThrows(IOException.class, () -> new EncodedPicture(png, "here").decode(0, 0))
            .getMessage());
  }
}
