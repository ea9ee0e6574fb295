package nacre.neuralassets.data;

import java.util.Arrays;

/** Resizing of images by area: every output pixel is the mean of the input that it covers. */
final class Resize {
  private Resize() {}

  /**
   * The pixels of a line that one output pixel covers.
   *
   * @param from the first
   * @param to the one after the last
   * @param first share of the first that is covered, and of the last
   * @param length what is covered, in pixels
   */
  private record Span(int from, int to, double first, double last, double length) {
    static Span of(int index, int length, int size) {
      double from = (double) index * length / size;
      double to = (double) (index + 1) * length / size;
      int begin = (int) from;
      int end = Math.min(length, (int) Math.ceil(to));
      return new Span(begin, end, Math.min(to, begin + 1) - from, to - (end - 1), to - from);
    }

    boolean isOnePixel() {
      return to - from == 1;
    }
  }

  /**
   * Packed bytes [height, width, 3] → [size, size, 3].
   *
   * @return {@code rgb} itself where the size is right
   */
  static byte[] area(byte[] rgb, int width, int height, int size) {
    if (width == size && height == size) {
      return rgb;
    }
    Span[] columns = new Span[size];
    Arrays.setAll(columns, x -> Span.of(x, width, size));
    int[] whole = new int[3 * width];
    double[] row = new double[3 * width];
    byte[] out = new byte[size * size * 3];
    for (int y = 0; y < size; y++) {
      means(rgb, Span.of(y, height, size), whole, row);
      for (int x = 0; x < size; x++) {
        mean(row, columns[x], out, 3 * (y * size + x));
      }
    }
    return out;
  }

  /**
   * The means of some rows.
   *
   * @param sums room for the sums of those that are covered wholly
   */
  private static void means(byte[] rgb, Span rows, int[] sums, double[] means) {
    int width = sums.length;
    int first = rows.from() * width;
    if (rows.isOnePixel()) {
      for (int k = 0; k < width; k++) {
        means[k] = rgb[first + k] & 0xFF;
      }
      return;
    }
    Arrays.fill(sums, 0);
    int last = (rows.to() - 1) * width;
    for (int at = first + width; at < last; at += width) {
      for (int k = 0; k < width; k++) {
        sums[k] += rgb[at + k] & 0xFF;
      }
    }
    for (int k = 0; k < width; k++) {
      double edges = rows.first() * (rgb[first + k] & 0xFF) + rows.last() * (rgb[last + k] & 0xFF);
      means[k] = (edges + sums[k]) / rows.length();
    }
  }

  /** The mean color of some pixels of a row. */
  private static void mean(double[] row, Span pixels, byte[] out, int at) {
    int first = 3 * pixels.from();
    int last = 3 * (pixels.to() - 1);
    for (int c = 0; c < 3; c++) {
      double sum = row[first + c];
      if (!pixels.isOnePixel()) {
        sum = pixels.first() * sum + pixels.last() * row[last + c];
        for (int k = first + 3; k < last; k += 3) {
          sum += row[k + c];
        }
        sum /= pixels.length();
      }
      out[at + c] = (byte) Math.clamp(Math.round(sum), 0, 255);
    }
  }
}
