package nacre.datasets.picture;

import java.awt.Transparency;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.DataBufferByte;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Iterator;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.event.IIOReadWarningListener;
import javax.imageio.stream.MemoryCacheImageInputStream;
import nacre.neuralassets.scene.PlainPng;
import nacre.neuralassets.scene.PngFile;

/**
 * A picture of a data set as it is stored, a JPEG or a PNG.
 *
 * @param bytes the file
 * @param place where it comes from, for messages
 */
public record EncodedPicture(byte[] bytes, String place) {
  /** Most pixels that are decoded; what claims more is refused by its header. */
  private static final long MOST_PIXELS = 1L << 26;

  /** Packed bytes in the order of their names. */
  private static final ColorModel RGB =
      new ComponentColorModel(
          ColorSpace.getInstance(ColorSpace.CS_sRGB),
          false,
          false,
          Transparency.OPAQUE,
          DataBuffer.TYPE_BYTE);

  /** What the JPEG reader warns of where the data end too early. */
  private static final String CUT = "premature end";

  /**
   * Decodes the picture, without color management, as packed bytes [height, width, 3].
   *
   * @param width that it must have
   * @param height that it must have
   * @throws IOException in one line, if it is damaged, cut short or of another size
   */
  public byte[] rgb(int width, int height) throws IOException {
    PlainPng.Pixels plain = plain(width, height);
    return plain != null ? plain.rgb() : packed(decode(width, height));
  }

  /**
   * Decodes a PNG of one channel of at most 8 bits, as bytes [height, width].
   *
   * @param width that it must have
   * @param height that it must have
   * @throws IOException in one line, if it is damaged, cut short, of another kind or size
   */
  public byte[] labels(int width, int height) throws IOException {
    if (!isPng()) {
      throw wrong(bytes.length == 0 ? "is empty" : "is no PNG");
    }
    PlainPng.Pixels plain = plain(width, height);
    if (plain != null && plain.channels() == 1) {
      return plain.bytes();
    }
    try {
      return PngFile.labels(decode(width, height));
    } catch (IllegalArgumentException e) {
      throw wrong(e.getMessage());
    }
  }

  /** The pixels of a PNG of the usual kind and of this size; null of any other picture. */
  private PlainPng.Pixels plain(int width, int height) throws IOException {
    try {
      return PlainPng.decode(bytes, width, height);
    } catch (IOException e) {
      throw damaged(e);
    }
  }

  private IOException damaged(Exception e) {
    String why = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    return new IOException(place + ": the picture is damaged: " + why, e);
  }

  private boolean isPng() {
    return bytes.length > 4 && bytes[0] == (byte) 0x89 && bytes[1] == 'P';
  }

  /**
   * Decodes the picture.
   *
   * @param width that it must have; 0 for any
   * @param height that it must have; 0 for any
   * @throws IOException in one line, if it is damaged, cut short, too large or of another size
   */
  public BufferedImage decode(int width, int height) throws IOException {
    ImageReader reader = reader();
    try (var in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      reader.setInput(in, true, true);
      int w = reader.getWidth(0);
      int h = reader.getHeight(0);
      if (width > 0 && (w != width || h != height)) {
        throw wrong(
            String.format(Locale.ROOT, "is %d×%d pixels instead of %d×%d", w, h, width, height));
      }
      if ((long) w * h > MOST_PIXELS) {
        throw wrong(
            String.format(
                Locale.ROOT, "claims %d×%d pixels; at most %,d are read", w, h, MOST_PIXELS));
      }
      boolean[] isCut = new boolean[1];
      IIOReadWarningListener listener =
          (source, warning) -> isCut[0] |= warning.toLowerCase(Locale.ROOT).contains(CUT);
      reader.addIIOReadWarningListener(listener);
      BufferedImage image = reader.read(0, parameters(reader, w, h));
      if (isCut[0]) {
        throw wrong("is cut short");
      }
      return image;
    } catch (PictureException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // The decoders may throw any exception, index errors included.
      throw damaged(e);
    } finally {
      reader.dispose();
    }
  }

  /**
   * Lets a picture in color be decoded as it is wanted, which is the order that the JPEG decoder
   * itself has: reordering would take as long as a quarter of the decoding.
   */
  private static ImageReadParam parameters(ImageReader reader, int width, int height)
      throws IOException {
    ImageReadParam parameters = reader.getDefaultReadParam();
    Iterator<ImageTypeSpecifier> types = reader.getImageTypes(0);
    if (types.hasNext() && types.next().getBufferedImageType() == BufferedImage.TYPE_3BYTE_BGR) {
      int[] order = {0, 1, 2};
      WritableRaster raster =
          Raster.createInterleavedRaster(
              DataBuffer.TYPE_BYTE, width, height, 3 * width, 3, order, null);
      parameters.setDestination(new BufferedImage(RGB, raster, false, null));
    }
    return parameters;
  }

  private ImageReader reader() throws IOException {
    if (bytes.length > 2 && bytes[0] == (byte) 0xFF && bytes[1] == (byte) 0xD8) {
      return ImageIO.getImageReadersByFormatName("jpeg").next();
    }
    if (isPng()) {
      return ImageIO.getImageReadersByFormatName("png").next();
    }
    throw wrong(bytes.length == 0 ? "is empty" : "is neither a JPEG nor a PNG");
  }

  private IOException wrong(String what) {
    return new PictureException(place + ": the picture " + what);
  }

  /** Pixels that lie in memory as they are wanted are taken; others go the long way. */
  private static byte[] packed(BufferedImage image) {
    return image.getColorModel() == RGB
        ? ((DataBufferByte) image.getRaster().getDataBuffer()).getData()
        : PngFile.rgb(image);
  }

  private static final class PictureException extends IOException {
    private static final long serialVersionUID = 1L;

    PictureException(String message) {
      super(message);
    }
  }
}
