package nacre.evaluation.metric;

import java.util.Arrays;

/** The ways in which published code resizes pictures before a network sees them. */
public enum Resampling {
  /**
   * Bilinear between pixel centers, without antialiasing: PyTorch's {@code interpolate(mode =
   * "bilinear", align_corners=False)}.
   */
  BILINEAR,

  /**
   * Bilinear as TensorFlow 1 had it: pixel i of n of the result is at {@code i · old / n} of the
   * old, so that pictures move up and to the left.
   */
  BILINEAR_TF1,

  /** Bilinear, antialiased: PyTorch's {@code interpolate(antialias=True)}, and Pillow's. */
  BILINEAR_ANTIALIASED;

  /** The weights of an axis: of each new pixel, the first old one and the weights from there. */
  private record Axis(int[] first, float[][] weights) {}

  /** {@code [height, width, 3] → [newHeight, newWidth, 3]}. */
  public float[] resize(float[] picture, int height, int width, int newHeight, int newWidth) {
    if (height == newHeight && width == newWidth) {
      return picture;
    }
    Axis columns = axis(width, newWidth);
    Axis rows = axis(height, newHeight);
    int line = newWidth * Pictures.CHANNELS;
    float[] narrow = new float[height * line];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < newWidth; x++) {
        float[] weights = columns.weights[x];
        for (int k = 0; k < weights.length; k++) {
          int from = (y * width + columns.first[x] + k) * Pictures.CHANNELS;
          int to = y * line + x * Pictures.CHANNELS;
          for (int c = 0; c < Pictures.CHANNELS; c++) {
            narrow[to + c] += weights[k] * picture[from + c];
          }
        }
      }
    }
    float[] resized = new float[newHeight * line];
    for (int y = 0; y < newHeight; y++) {
      float[] weights = rows.weights[y];
      for (int k = 0; k < weights.length; k++) {
        int from = (rows.first[y] + k) * line;
        for (int i = 0; i < line; i++) {
          resized[y * line + i] += weights[k] * narrow[from + i];
        }
      }
    }
    return resized;
  }

  /** Pictures {@code [count, height, width, 3]}, each resized. */
  float[] resizeAll(float[] pictures, int count, int height, int width, int high, int wide) {
    if (height == high && width == wide) {
      return pictures;
    }
    int length = height * width * Pictures.CHANNELS;
    float[] all = new float[count * high * wide * Pictures.CHANNELS];
    for (int i = 0; i < count; i++) {
      float[] one = Arrays.copyOfRange(pictures, i * length, (i + 1) * length);
      float[] resized = resize(one, height, width, high, wide);
      System.arraycopy(resized, 0, all, i * resized.length, resized.length);
    }
    return all;
  }

  private Axis axis(int from, int to) {
    int[] first = new int[to];
    float[][] weights = new float[to][];
    double scale = (double) from / to;
    boolean antialiased = this == BILINEAR_ANTIALIASED;
    double support = antialiased ? Math.max(1, scale) : 1;
    for (int i = 0; i < to; i++) {
      double center = this == BILINEAR_TF1 ? i * scale : (i + 0.5) * scale - 0.5;
      if (!antialiased) {
        center = Math.clamp(center, 0, from - 1);
      }
      int begin = Math.max(0, (int) Math.ceil(center - support));
      int end = Math.min(from - 1, (int) Math.floor(center + support));
      double[] w = new double[end - begin + 1];
      for (int k = 0; k < w.length; k++) {
        w[k] = Math.max(0, 1 - Math.abs(begin + k - center) / support);
      }
      double sum = Arrays.stream(w).sum();
      first[i] = begin;
      weights[i] = new float[w.length];
      for (int k = 0; k < w.length; k++) {
        weights[i][k] = (float) (w[k] / sum);
      }
    }
    return new Axis(first, weights);
  }
}
