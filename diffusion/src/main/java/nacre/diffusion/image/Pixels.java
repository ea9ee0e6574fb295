package nacre.diffusion.image;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;

/** The pixels of Java's images of any type as 8-bit numbers, without color management. */
final class Pixels {
  private Pixels() {}

  /** Packed bytes {@code [height, width, 3]}. */
  static byte[] rgb(BufferedImage image) {
    ColorModel colors = image.getColorModel();
    int space = colors.getColorSpace().getType();
    if (colors instanceof IndexColorModel
        || space != ColorSpace.TYPE_RGB && space != ColorSpace.TYPE_GRAY) {
      return converted(image);
    }
    Raster raster = image.getRaster();
    int width = image.getWidth();
    int height = image.getHeight();
    byte[] rgb = new byte[3 * width * height];
    boolean gray = space == ColorSpace.TYPE_GRAY;
    boolean premultiplied = colors.hasAlpha() && colors.isAlphaPremultiplied();
    double[] row = new double[width];
    double[] alpha = new double[width];
    for (int y = 0; y < height; y++) {
      if (premultiplied) {
        read(raster, y, raster.getNumBands() - 1, alpha);
      }
      for (int channel = 0; channel < 3; channel++) {
        int band = gray ? 0 : channel;
        read(raster, y, band, row);
        if (premultiplied) {
          divide(row, alpha, most(colors, raster.getNumBands() - 1));
        }
        for (int x = 0; x < width; x++) {
          rgb[3 * (y * width + x) + channel] = (byte) toEightBits(row[x], colors, band);
        }
      }
    }
    return rgb;
  }

  /** By Java, from a palette or another color space. */
  private static byte[] converted(BufferedImage image) {
    int width = image.getWidth();
    byte[] rgb = new byte[3 * width * image.getHeight()];
    int[] row = new int[width];
    for (int y = 0; y < image.getHeight(); y++) {
      image.getRGB(0, y, width, 1, row, 0, width);
      for (int x = 0; x < width; x++) {
        int at = 3 * (y * width + x);
        rgb[at] = (byte) (row[x] >> 16);
        rgb[at + 1] = (byte) (row[x] >> 8);
        rgb[at + 2] = (byte) row[x];
      }
    }
    return rgb;
  }

  private static void divide(double[] row, double[] alpha, double opaque) {
    for (int x = 0; x < row.length; x++) {
      row[x] = alpha[x] == 0 ? 0 : row[x] * opaque / alpha[x];
    }
  }

  /** The largest sample of a component. */
  private static double most(ColorModel colors, int component) {
    return switch (colors.getTransferType()) {
      case DataBuffer.TYPE_FLOAT, DataBuffer.TYPE_DOUBLE -> 1;
      case DataBuffer.TYPE_SHORT -> Short.MAX_VALUE;
      default -> Math.pow(2, colors.getComponentSize(component)) - 1;
    };
  }

  private static int toEightBits(double sample, ColorModel colors, int component) {
    int bits = colors.getComponentSize(component);
    int type = colors.getTransferType();
    boolean unsigned = type == DataBuffer.TYPE_USHORT || type == DataBuffer.TYPE_INT;
    double value =
        unsigned && (bits == 16 || bits == 32)
            ? Math.floor(sample / (1L << bits - 8)) // as Pillow does with 16 bits
            : Math.floor(0.5 + sample * 255 / most(colors, component));
    return (int) Math.clamp(value, 0, 255);
  }

  private static void read(Raster raster, int y, int band, double[] row) {
    raster.getSamples(0, y, row.length, 1, band, row);
    if (raster.getTransferType() == DataBuffer.TYPE_INT) {
      for (int x = 0; x < row.length; x++) {
        row[x] = row[x] < 0 ? row[x] + 0x1p32 : row[x]; // 32 bits are given with a sign
      }
    }
  }

  /** Whether no pixel is transparent. */
  static boolean areOpaque(BufferedImage image) {
    ColorModel colors = image.getColorModel();
    if (!colors.hasAlpha()) {
      return true;
    }
    int width = image.getWidth();
    if (colors instanceof IndexColorModel palette) {
      for (int i = 0; i < width * image.getHeight(); i++) {
        if (palette.getAlpha(image.getRaster().getSample(i % width, i / width, 0)) != 255) {
          return false;
        }
      }
      return true;
    }
    Raster raster = image.getRaster();
    int band = raster.getNumBands() - 1;
    double[] row = new double[width];
    for (int y = 0; y < image.getHeight(); y++) {
      read(raster, y, band, row);
      for (double sample : row) {
        if (sample < most(colors, band)) {
          return false;
        }
      }
    }
    return true;
  }
}
