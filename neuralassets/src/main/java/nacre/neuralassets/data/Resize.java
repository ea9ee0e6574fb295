package nacre.neuralassets.data;

/** Resizing of images by area: every output pixel is the mean of the input that it covers. */
final class Resize {
  private Resize() {}

  /**
   * Packed bytes [height, width, 3] → [size, size, 3].
   *
   * @return {@code rgb} itself where the size is right
   */
  static byte[] area(byte[] rgb, int width, int height, int size) {
    if (width == size && height == size) {
      return rgb;
    }
    double[] rows = new double[size * width * 3];
    for (int y = 0; y < size; y++) {
      double from = (double) y * height / size;
      double to = (double) (y + 1) * height / size;
      for (int sy = (int) from; sy < Math.min(height, Math.ceil(to)); sy++) {
        double share = (Math.min(to, sy + 1) - Math.max(from, sy)) / (to - from);
        for (int k = 0; k < width * 3; k++) {
          rows[y * width * 3 + k] += share * (rgb[sy * width * 3 + k] & 0xFF);
        }
      }
    }
    byte[] out = new byte[size * size * 3];
    for (int x = 0; x < size; x++) {
      double from = (double) x * width / size;
      double to = (double) (x + 1) * width / size;
      for (int y = 0; y < size; y++) {
        for (int c = 0; c < 3; c++) {
          double sum = 0;
          for (int sx = (int) from; sx < Math.min(width, Math.ceil(to)); sx++) {
            double share = (Math.min(to, sx + 1) - Math.max(from, sx)) / (to - from);
            sum += share * rows[(y * width + sx) * 3 + c];
          }
          out[(y * size + x) * 3 + c] = (byte) Math.clamp(Math.round(sum), 0, 255);
        }
      }
    }
    return out;
  }
}
