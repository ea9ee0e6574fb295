package nacre.studio;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import javax.imageio.ImageIO;

/** A JPEG as cameras write it: with Exif, in which the focal length on film of 35 mm stands. */
final class ExifPhoto {
  private static final short EXIF_DIRECTORY = (short) 0x8769;
  private static final short FOCAL_LENGTH_ON_FILM = (short) 0xA405;
  private static final short LONG = 4;
  private static final short SHORT = 3;

  private ExifPhoto() {}

  /** A gray photo. */
  static byte[] of(int width, int height, int focalLength) throws IOException {
    ByteArrayOutputStream plain = new ByteArrayOutputStream();
    BufferedImage gray = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    ImageIO.write(gray, "jpg", plain);
    byte[] tiff = tiff(focalLength);
    ByteBuffer head = ByteBuffer.allocate(12 + tiff.length).order(ByteOrder.BIG_ENDIAN);
    head.putShort((short) 0xFFD8).putShort((short) 0xFFE1).putShort((short) (8 + tiff.length));
    head.put("Exif\0\0".getBytes(StandardCharsets.US_ASCII)).put(tiff);
    ByteArrayOutputStream photo = new ByteArrayOutputStream();
    photo.writeBytes(head.array());
    photo.write(plain.toByteArray(), 2, plain.size() - 2);
    return photo.toByteArray();
  }

  /** A directory that points to another, which has the one entry. */
  private static byte[] tiff(int focalLength) {
    ByteBuffer tiff = ByteBuffer.allocate(44).order(ByteOrder.LITTLE_ENDIAN);
    tiff.put((byte) 'I').put((byte) 'I').putShort((short) 42).putInt(8);
    tiff.putShort((short) 1);
    tiff.putShort(EXIF_DIRECTORY).putShort(LONG).putInt(1).putInt(26).putInt(0);
    tiff.putShort((short) 1);
    tiff.putShort(FOCAL_LENGTH_ON_FILM).putShort(SHORT).putInt(1).putInt(focalLength).putInt(0);
    return tiff.array();
  }
}
