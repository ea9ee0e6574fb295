package nacre.evaluation.metric;

/** A measure of how like pictures are to the true ones. */
public interface Metric {
  /** Its name with the variant, as "SSIM (torchmetrics)". */
  String name();

  /** True if larger values are better. */
  boolean higherIsBetter();

  /**
   * The value of each picture.
   *
   * @param pictures {@code [count, size, size, 3]} in [0, 1], as are the truths
   */
  double[] of(float[] pictures, float[] truths, int count, int size);
}
