package nacre.evaluation.metric;

import java.util.Locale;

/**
 * Mean and covariance of vectors that are seen one after the other and not kept, in f64. Sums are
 * of the differences from the first vector, so that large means cost no digits.
 */
public final class FeatureSums {
  private final int dimensions;
  private final double[] origin;
  private final double[] sums;
  private final double[] products; // the upper triangle alone
  private long count;

  /** Of vectors of some length. */
  public FeatureSums(int dimensions) {
    this.dimensions = dimensions;
    this.origin = new double[dimensions];
    this.sums = new double[dimensions];
    this.products = new double[dimensions * dimensions];
  }

  /** Adds the rows of {@code [n, dimensions]}. */
  public void add(float[] rows) {
    if (rows.length % dimensions != 0) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "%d values are no vectors of %d", rows.length, dimensions));
    }
    double[] difference = new double[dimensions];
    for (int from = 0; from < rows.length; from += dimensions) {
      for (int i = 0; i < dimensions; i++) {
        if (count == 0) {
          origin[i] = rows[from + i];
        }
        difference[i] = rows[from + i] - origin[i];
        sums[i] += difference[i];
      }
      for (int i = 0; i < dimensions; i++) {
        double d = difference[i];
        for (int j = i; j < dimensions; j++) {
          products[i * dimensions + j] += d * difference[j];
        }
      }
      count++;
    }
  }

  /** How many vectors were added. */
  public long count() {
    return count;
  }

  /** Length of the vectors. */
  public int dimensions() {
    return dimensions;
  }

  double[] mean() {
    double[] mean = new double[dimensions];
    for (int i = 0; i < dimensions; i++) {
      mean[i] = origin[i] + sums[i] / count;
    }
    return mean;
  }

  /** The covariance of the sample, divided by n − 1. */
  double[][] covariance() {
    double[][] covariance = new double[dimensions][dimensions];
    for (int i = 0; i < dimensions; i++) {
      for (int j = i; j < dimensions; j++) {
        double product = products[i * dimensions + j] - sums[i] * sums[j] / count;
        covariance[i][j] = product / (count - 1);
        covariance[j][i] = covariance[i][j];
      }
    }
    return covariance;
  }
}
