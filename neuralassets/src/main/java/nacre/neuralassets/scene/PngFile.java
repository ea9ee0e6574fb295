package nacre.neuralassets.scene;

import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageInputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import nacre.diffusion.image.RgbImage;

/**
 * PNG files as packed bytes, without color management: the values in the file are read as they are.
 */
public final class PngFile {
  private PngFile() {}

  /**
   * Reads an image as packed RGB bytes [height, width, 3]. Gray is repeated, alpha dropped, 16 bits
   * cut to 8.
   *
   * @throws SceneFormatException if the file is missing, damaged, not a PNG or of another size
   */
  public static byte[] readRgb(Path file, int width, int height) throws IOException {
    byte[] png = bytes(file);
    PlainPng.Pixels plain = plain(file, png, width, height);
    return plain != null ? plain.rgb() : rgb(decode(file, png, width, height));
  }

  /**
   * An image as packed RGB bytes [height, width, 3], without color management. Gray is repeated,
   * alpha dropped, 16 bits cut to 8.
   */
  public static byte[] rgb(BufferedImage image) {
    return RgbImage.of(image).rgb();
  }

  /**
   * Reads an image of one channel of at most 8 bits as bytes [height, width]: gray levels, or
   * palette indices.
   *
   * @throws SceneFormatException if the file is missing, damaged, not such a PNG or of another size
   */
  public static byte[] readLabels(Path file, int width, int height) throws IOException {
    byte[] png = bytes(file);
    PlainPng.Pixels plain = plain(file, png, width, height);
    if (plain != null && plain.channels() == 1) {
      return plain.bytes();
    }
    try {
      return labels(decode(file, png, width, height));
    } catch (IllegalArgumentException e) {
      throw new SceneFormatException(
          file,
          "",
          e.getMessage(),
          "a segmentation is a gray PNG of 8 bits: 0 background, i + 1 object i");
    }
  }

  /**
   * The samples of an image of one channel of at most 8 bits, as bytes [height, width].
   *
   * @throws IllegalArgumentException saying what it has, if it is another
   */
  public static byte[] labels(BufferedImage image) {
    Raster raster = image.getRaster();
    int bits = image.getColorModel().getComponentSize(0);
    if (raster.getNumBands() != 1 || bits > 8) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "has %d channels of %d bits", raster.getNumBands(), bits));
    }
    int[] samples = raster.getSamples(0, 0, image.getWidth(), image.getHeight(), 0, (int[]) null);
    byte[] labels = new byte[samples.length];
    for (int i = 0; i < samples.length; i++) {
      labels[i] = (byte) samples[i];
    }
    return labels;
  }

  private static byte[] bytes(Path file) throws IOException {
    try {
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new SceneFormatException(file, "", "is missing", "every frame needs its PNG");
    } catch (IOException e) { // of a folder, only its last word is told
      String reason = Files.isDirectory(file) ? "is a folder" : "cannot be read: " + e.getMessage();
      throw new SceneFormatException(file, "", reason, "every frame needs its PNG");
    }
  }

  /** The pixels of a picture of the usual kind; null if it is of another kind or size. */
  private static PlainPng.Pixels plain(Path file, byte[] png, int width, int height)
      throws SceneFormatException {
    try {
      return PlainPng.decode(png, width, height);
    } catch (IOException e) {
      throw damaged(file, e.getMessage());
    }
  }

  private static SceneFormatException damaged(Path file, String why) {
    return new SceneFormatException(
        file, "", "is damaged or no PNG (" + why + ")", "write the image anew");
  }

  private static BufferedImage decode(Path file, byte[] bytes, int width, int height)
      throws SceneFormatException {
    BufferedImage image;
    try (var in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      var readers = ImageIO.getImageReadersByFormatName("png");
      var reader = readers.next();
      try {
        reader.setInput(in, true, true);
        int w = reader.getWidth(0);
        int h = reader.getHeight(0);
        if (w != width || h != height) { // before memory is taken for it
          throw new SceneFormatException(
              file,
              "",
              String.format(Locale.ROOT, "is %d×%d pixels", w, h),
              String.format(Locale.ROOT, "scene.json says %d×%d", width, height));
        }
        image = reader.read(0);
      } finally {
        reader.dispose();
      }
    } catch (SceneFormatException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // The decoder may throw any exception, index errors included.
      throw bytes.length == 0
          ? new SceneFormatException(file, "", "is empty", "write the image anew")
          : damaged(file, reason(e));
    }
    return image;
  }

  private static String reason(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
  }

  /** Writes packed RGB bytes [height, width, 3]. */
  public static void writeRgb(Path file, byte[] rgb, int width, int height) throws IOException {
    write(file, image(rgb, width, height));
  }

  /** Packed RGB bytes [height, width, 3] as an image to draw on. */
  public static BufferedImage image(byte[] rgb, int width, int height) {
    return new RgbImage(rgb, width, height).toBufferedImage();
  }

  /** Writes bytes [height, width] as a gray PNG. */
  public static void writeLabels(Path file, byte[] labels, int width, int height)
      throws IOException {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_BYTE_GRAY);
    image.getRaster().setDataElements(0, 0, width, height, labels);
    write(file, image);
  }

  /**
   * Writes any image.
   *
   * @throws IOException in one sentence that names the file and the reason
   */
  public static void write(Path file, BufferedImage image) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (var out = new MemoryCacheImageOutputStream(bytes)) {
      if (!ImageIO.write(image, "png", out)) {
        throw new IOException(file + ": this Java has no PNG writer for the image type");
      }
    }
    try {
      Files.write(file, bytes.toByteArray());
    } catch (FileSystemException e) {
      throw failure(file, e.getReason() == null ? e.toString() : e.getReason(), e);
    } catch (IOException e) { // a full disk's does not name the file
      throw failure(file, e.getMessage(), e);
    }
  }

  private static IOException failure(Path file, String reason, IOException e) {
    return new IOException(String.format(Locale.ROOT, "cannot write %s: %s", file, reason), e);
  }
}
