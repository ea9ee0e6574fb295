package nacre.evaluation.metric;

/**
 * A measure of how like pictures are to the true ones, one value a picture. What is measured of a
 * whole set of pictures is a {@link SetMetric}.
 */
public interface Metric {
  /** Its name with the variant, as "SSIM (torchmetrics)". */
  String name();

  /** True if larger values are better. */
  boolean higherIsBetter();

  /**
   * The value of each picture.
   *
   * @param pictures {@code [count, height, width, 3]} in [0, 1], as are the truths
   * @throws IllegalArgumentException if the lengths do not fit, or the pictures are too small for
   *     the metric
   */
  double[] of(float[] pictures, float[] truths, int count, int height, int width);

  /** The value of each picture of {@code [count, size, size, 3]}. */
  default double[] of(float[] pictures, float[] truths, int count, int size) {
    return of(pictures, truths, count, size, size);
  }
}
