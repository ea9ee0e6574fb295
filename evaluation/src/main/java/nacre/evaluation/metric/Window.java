package nacre.evaluation.metric;

import java.util.Arrays;

/**
 * Weighted means of a plane {@code [height, width]} under a square window, which is a product of
 * two rows of weights.
 *
 * @param weights of a row of it, an odd number
 * @param reflect whether it has a place at every pixel, the plane being reflected at its borders
 *     (without repeating the pixels there), or only where it lies inside
 */
record Window(double[] weights, boolean reflect, int height, int width) {
  private static final double SIGMA = 1.5;
  private static final int GAUSSIAN = 11;

  /** 11 weights of a Gaussian of σ = 1.5. */
  static double[] gaussian() {
    double[] weights = new double[GAUSSIAN];
    for (int i = 0; i < weights.length; i++) {
      double x = i - GAUSSIAN / 2;
      weights[i] = Math.exp(-x * x / (2 * SIGMA * SIGMA));
    }
    double sum = Arrays.stream(weights).sum();
    return Arrays.stream(weights).map(w -> w / sum).toArray();
  }

  /** Equal weights. */
  static double[] uniform(int side) {
    double[] weights = new double[side];
    Arrays.fill(weights, 1.0 / side);
    return weights;
  }

  /** The mean at each place of the window, row by row. */
  double[] means(double[] plane) {
    double[] rows = down(plane);
    int high = rows.length / width;
    int wide = reflect ? width : width - weights.length + 1;
    double[] means = new double[high * wide];
    for (int y = 0; y < high; y++) {
      for (int k = 0; k < weights.length; k++) {
        for (int x = 0; x < wide; x++) {
          means[y * wide + x] += weights[k] * rows[y * width + place(x, k, width)];
        }
      }
    }
    return means;
  }

  /** Means along columns alone. */
  private double[] down(double[] plane) {
    int high = reflect ? height : height - weights.length + 1;
    double[] means = new double[high * width];
    for (int y = 0; y < high; y++) {
      for (int k = 0; k < weights.length; k++) {
        int from = place(y, k, height) * width;
        for (int x = 0; x < width; x++) {
          means[y * width + x] += weights[k] * plane[from + x];
        }
      }
    }
    return means;
  }

  /** The row or column that weight k of place i stands at. */
  private int place(int i, int k, int length) {
    if (!reflect) {
      return i + k;
    }
    int at = i + k - weights.length / 2;
    return at < 0 ? -at : at >= length ? 2 * (length - 1) - at : at;
  }
}
