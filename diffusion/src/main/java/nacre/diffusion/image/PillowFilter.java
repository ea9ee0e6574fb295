package nacre.diffusion.image;

/**
 * A filter for resizing as Pillow has it, equal bit for bit, so that what a model is given is the
 * same as in Python: rows first, then columns, each rounded to 8 bits, with the filter stretched
 * when downscaling.
 */
public enum PillowFilter {
  /** Three lobes of a windowed sinc: diffusers' filter of initial images. */
  LANCZOS(3) {
    @Override
    double at(double x) {
      return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
    }
  },

  /** Cubic of a = −0.5 (Keys, 1981): the filter of most image processors of transformers. */
  BICUBIC(2) {
    @Override
    double at(double offset) {
      double x = Math.abs(offset);
      if (x < 1) {
        return ((A + 2) * x - (A + 3)) * x * x + 1;
      }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * A : 0;
    }
  };

  private static final double A = -0.5;
  private static final int FRACTION_BITS = 22;

  private final int reach;

  PillowFilter(int reach) {
    this.reach = reach;
  }

  /** The weight at a distance, in pixels of the coarser grid. */
  abstract double at(double x);

  /** {@code rgb [height, width, 3] → [newHeight, newWidth, 3]}. */
  byte[] resize(byte[] rgb, int width, int height, int newWidth, int newHeight) {
    byte[] wide = width == newWidth ? rgb : alongRows(rgb, width, height, newWidth);
    if (height == newHeight) {
      return wide;
    }
    byte[] turned = alongRows(transpose(wide, newWidth, height), height, newWidth, newHeight);
    return transpose(turned, newHeight, newWidth);
  }

  /** The weights of the pixels from {@code first} on for one new pixel. */
  private record Window(int first, int[] weights) {}

  private byte[] alongRows(byte[] rgb, int width, int height, int newWidth) {
    byte[] scaled = new byte[3 * newWidth * height];
    for (int x = 0; x < newWidth; x++) {
      Window window = window(x, width, newWidth);
      for (int y = 0; y < height; y++) {
        for (int channel = 0; channel < 3; channel++) {
          int sum = 1 << FRACTION_BITS - 1;
          for (int i = 0; i < window.weights.length; i++) {
            int pixel = rgb[3 * (y * width + window.first + i) + channel] & 0xFF;
            sum += pixel * window.weights[i];
          }
          scaled[3 * (y * newWidth + x) + channel] =
              (byte) Math.clamp(sum >> FRACTION_BITS, 0, 255);
        }
      }
    }
    return scaled;
  }

  private Window window(int x, int width, int newWidth) {
    double scale = (double) width / newWidth;
    double stretch = Math.max(scale, 1);
    double far = reach * stretch;
    double center = (x + 0.5) * scale;
    int first = Math.max((int) (center - far + 0.5), 0);
    int end = Math.min((int) (center + far + 0.5), width);
    double[] weights = new double[end - first];
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      weights[i] = at((i + first - center + 0.5) * (1 / stretch));
      sum += weights[i];
    }
    int[] whole = new int[weights.length];
    for (int i = 0; i < whole.length; i++) {
      double fraction = weights[i] / sum * (1 << FRACTION_BITS);
      whole[i] = (int) (fraction < 0 ? fraction - 0.5 : fraction + 0.5);
    }
    return new Window(first, whole);
  }

  private static double sinc(double x) {
    return x == 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
  }

  /** {@code [height, width, 3] → [width, height, 3]}. */
  private static byte[] transpose(byte[] rgb, int width, int height) {
    byte[] turned = new byte[rgb.length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        System.arraycopy(rgb, 3 * (y * width + x), turned, 3 * (x * height + y), 3);
      }
    }
    return turned;
  }
}
