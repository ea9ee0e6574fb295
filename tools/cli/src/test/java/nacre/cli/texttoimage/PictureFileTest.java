package nacre.cli.texttoimage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Transparency;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.Raster;
import java.awt.image.RenderedImage;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import nacre.cli.options.UserException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files as cameras and print shops write them. The expected numbers are Pillow's. */
class PictureFileTest {
  private static final int SIZE = 16;

  @TempDir Path folder;

  private static byte[] encode(String format, RenderedImage image, Raster raster)
      throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName(format).next();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (var out = new MemoryCacheImageOutputStream(bytes)) {
      writer.setOutput(out);
      ImageWriteParam parameters = writer.getDefaultWriteParam();
      if (format.equals("jpeg")) {
        parameters.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
        parameters.setCompressionQuality(1);
      }
      IIOImage whole =
          image == null ? new IIOImage(raster, null, null) : new IIOImage(image, null, null);
      writer.write(null, whole, parameters);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  private static byte[] insert(byte[] file, int at, byte[] part) {
    return ByteBuffer.allocate(file.length + part.length)
        .put(file, 0, at)
        .put(part)
        .put(file, at, file.length - at)
        .array();
  }

  /** A marker segment right behind the start of a JPEG. */
  private static byte[] withSegment(byte[] jpeg, int marker, byte[] content) {
    ByteBuffer segment = ByteBuffer.allocate(content.length + 4);
    segment.put((byte) 0xFF).put((byte) marker).putShort((short) (content.length + 2)).put(content);
    return insert(jpeg, 2, segment.array());
  }

  /** A chunk right behind the header of a PNG. */
  private static byte[] withChunk(byte[] png, String type, byte[] content) {
    byte[] named = insert(content, 0, type.getBytes(StandardCharsets.US_ASCII));
    CRC32 crc = new CRC32();
    crc.update(named);
    ByteBuffer chunk = ByteBuffer.allocate(content.length + 12);
    chunk.putInt(content.length).put(named).putInt((int) crc.getValue());
    return insert(png, 8 + 25, chunk.array());
  }

  /** A TIFF structure of one directory with one entry. */
  private static byte[] exif(int orientation) {
    ByteBuffer tiff = ByteBuffer.allocate(26);
    tiff.putShort((short) 0x4D4D).putShort((short) 42).putInt(8).putShort((short) 1);
    tiff.putShort((short) 0x0112).putShort((short) 3).putInt(1).putShort((short) orientation);
    return tiff.array();
  }

  private Picture read(byte[] bytes) throws IOException {
    return PictureFile.read(Files.write(folder.resolve("picture"), bytes));
  }

  private static int rgb(Picture picture, int x, int y) {
    int at = 3 * (y * picture.width() + x);
    byte[] rgb = picture.rgb();
    return (rgb[at] & 0xFF) << 16 | (rgb[at + 1] & 0xFF) << 8 | rgb[at + 2] & 0xFF;
  }

  /** A red pixel in the stored picture's upper left corner, a blue one in its upper right. */
  @ParameterizedTest
  @CsvSource({
    "1, 0, 0, 2, 0", "2, 2, 0, 0, 0", "3, 2, 1, 0, 1", "4, 0, 1, 2, 1",
    "5, 0, 0, 0, 2", "6, 1, 0, 1, 2", "7, 1, 2, 1, 0", "8, 0, 2, 0, 0"
  })
  void pngStandsUpright(int orientation, int redX, int redY, int blueX, int blueY)
      throws IOException {
    BufferedImage stored = new BufferedImage(3, 2, BufferedImage.TYPE_INT_RGB);
    stored.setRGB(0, 0, 0xFF0000);
    stored.setRGB(2, 0, 0x0000FF);
    Picture picture = read(withChunk(encode("png", stored, null), "eXIf", exif(orientation)));
    assertEquals(orientation < 5 ? 3 : 2, picture.width());
    assertEquals(orientation < 5 ? 2 : 3, picture.height());
    assertEquals(0xFF0000, rgb(picture, redX, redY));
    assertEquals(0x0000FF, rgb(picture, blueX, blueY));
  }

  @Test
  void jpegStandsUpright() throws IOException {
    BufferedImage stored = new BufferedImage(48, 32, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < 16; y++) {
      for (int x = 0; x < 48; x++) {
        stored.setRGB(x, y, 0xFFFFFF);
      }
    }
    byte[] jpeg = encode("jpeg", stored, null);
    byte[] content = insert(exif(6), 0, "Exif\0\0".getBytes(StandardCharsets.US_ASCII));
    Picture picture = read(withSegment(jpeg, 0xE1, content));
    assertEquals(32, picture.width());
    assertEquals(48, picture.height());
    assertEquals(0x000000, rgb(picture, 2, 24)); // what was the bottom is on the left
    assertEquals(0xFFFFFF, rgb(picture, 29, 24));
  }

  @Test
  void tiffStandsUpright() throws IOException {
    byte[] pixels = {(byte) 255, 0, 0, 0, (byte) 255, 0}; // red, green
    ByteBuffer tiff = ByteBuffer.allocate(200).order(ByteOrder.LITTLE_ENDIAN);
    tiff.putShort((short) 0x4949).putShort((short) 42).putInt(8).putShort((short) 10);
    int[][] entries = {
      {256, 3, 1, 2}, // width
      {257, 3, 1, 1}, // height
      {258, 3, 3, 150}, // bits
      {259, 3, 1, 1}, // not compressed
      {262, 3, 1, 2}, // RGB
      {273, 4, 1, 160}, // where the pixels are
      {274, 3, 1, 6}, // orientation
      {277, 3, 1, 3}, // channels
      {278, 3, 1, 1}, // rows a strip
      {279, 4, 1, pixels.length}
    };
    for (int[] entry : entries) {
      tiff.putShort((short) entry[0]).putShort((short) entry[1]).putInt(entry[2]).putInt(entry[3]);
    }
    tiff.position(150).putShort((short) 8).putShort((short) 8).putShort((short) 8);
    tiff.position(160).put(pixels);
    Picture picture = read(tiff.array());
    assertEquals(1, picture.width());
    assertEquals(0xFF0000, rgb(picture, 0, 0));
    assertEquals(0x00FF00, rgb(picture, 0, 1));
  }

  @Test
  void aDamagedSizeIsRefused() throws IOException {
    byte[] png = encode("png", new BufferedImage(3, 2, BufferedImage.TYPE_INT_RGB), null);
    ByteBuffer.wrap(png).putInt(16, 100_000).putInt(20, 100_000);
    CRC32 crc = new CRC32();
    crc.update(png, 12, 17);
    ByteBuffer.wrap(png).putInt(29, (int) crc.getValue());
    UserException e = assertThrows(UserException.class, () -> read(png));
    assertTrue(e.getMessage().contains("10000000000 pixels"), e.getMessage());
  }

  @Test
  void anOrientationThatThereIsNotIsPassedOver() throws IOException {
    BufferedImage stored = new BufferedImage(3, 2, BufferedImage.TYPE_INT_RGB);
    byte[] png = encode("png", stored, null);
    assertEquals(3, read(withChunk(png, "eXIf", exif(9))).width());
    assertEquals(3, read(withChunk(png, "eXIf", new byte[] {1, 2, 3})).width());
  }

  private static byte[] fourChannels() throws IOException {
    WritableRaster raster =
        Raster.createInterleavedRaster(DataBuffer.TYPE_BYTE, SIZE, SIZE, 4, null);
    for (int y = 0; y < SIZE; y++) {
      for (int x = 0; x < SIZE; x++) {
        boolean left = x < SIZE / 2;
        raster.setPixel(x, y, new int[] {left ? 230 : 30, 100, 60, left ? 200 : 255});
      }
    }
    return encode("jpeg", null, raster);
  }

  private static byte[] adobe(int transform) {
    byte[] marker = "Adobe\0\0\0\0\0\0\0".getBytes(StandardCharsets.US_ASCII);
    marker[6] = 100;
    marker[11] = (byte) transform;
    return marker;
  }

  private void assertColors(byte[] jpeg, int left, int right) throws IOException {
    Picture picture = read(jpeg);
    byte[] expected = {
      (byte) (left >> 16), (byte) (left >> 8), (byte) left,
      (byte) (right >> 16), (byte) (right >> 8), (byte) right
    };
    int last = 3 * (SIZE - 2);
    byte[] rgb = picture.rgb();
    byte[] actual = {rgb[3], rgb[4], rgb[5], rgb[last], rgb[last + 1], rgb[last + 2]};
    assertArrayEquals(expected, actual);
  }

  @Test
  void cmykHasItsColors() throws IOException {
    byte[] jpeg = fourChannels();
    assertColors(jpeg, 0xB44E2F, 0x1E643C);
    assertColors(withSegment(jpeg, 0xEE, adobe(0)), 0xB44E2F, 0x1E643C);
  }

  @Test
  void cmykPackedAsLumaAndChromaHasItsColors() throws IOException {
    assertColors(withSegment(fourChannels(), 0xEE, adobe(2)), 0x5E003B, 0xFFA7FF);
  }

  /** Inks from 0 for none to 1 for all, as TIFF has them. */
  private static final class Cmyk extends ColorSpace {
    private static final long serialVersionUID = 1;

    Cmyk() {
      super(ColorSpace.TYPE_CMYK, 4);
    }

    @Override
    public float[] toRGB(float[] inks) {
      throw new UnsupportedOperationException();
    }

    @Override
    public float[] fromRGB(float[] rgb) {
      throw new UnsupportedOperationException();
    }

    @Override
    public float[] toCIEXYZ(float[] inks) {
      throw new UnsupportedOperationException();
    }

    @Override
    public float[] fromCIEXYZ(float[] xyz) {
      throw new UnsupportedOperationException();
    }
  }

  @Test
  void tiffInCmykHasItsColors() throws IOException {
    var colors =
        new ComponentColorModel(
            new Cmyk(), false, false, Transparency.OPAQUE, DataBuffer.TYPE_BYTE);
    WritableRaster raster = colors.createCompatibleWritableRaster(2, 1);
    raster.setPixel(0, 0, new int[] {25, 155, 195, 55});
    raster.setPixel(1, 0, new int[] {225, 155, 195, 0});
    Picture picture = read(encode("tiff", new BufferedImage(colors, raster, false, null), null));
    assertEquals(0xB44E2F, rgb(picture, 0, 0));
    assertEquals(0x1E643C, rgb(picture, 1, 0));
  }

  @Test
  void damagedFilesAreRefusedInOneLine() throws IOException {
    byte[] jpeg = fourChannels();
    for (int length : new int[] {0, 1, 3, 20, 100, 200}) {
      byte[] cut = new byte[length];
      System.arraycopy(jpeg, 0, cut, 0, length);
      UserException e = assertThrows(UserException.class, () -> read(cut));
      assertEquals(1, e.getMessage().lines().count());
    }
  }

  /** As many as Pillow accepts; the heap of tests is 2 GiB. */
  @Test
  void aPictureBeyondTheHeapIsRefusedBeforeItIsDecoded() throws IOException {
    byte[] png = encode("png", new BufferedImage(3, 2, BufferedImage.TYPE_INT_RGB), null);
    ByteBuffer.wrap(png).putInt(16, 13_300).putInt(20, 13_300);
    CRC32 crc = new CRC32();
    crc.update(png, 12, 17);
    ByteBuffer.wrap(png).putInt(29, (int) crc.getValue());
    UserException e = assertThrows(UserException.class, () -> read(png));
    assertTrue(e.getMessage().contains("is too large"), e.getMessage());
    assertTrue(e.getMessage().contains("NACRE_JAVA_OPTS=-Xmx"), e.getMessage());
  }
}
