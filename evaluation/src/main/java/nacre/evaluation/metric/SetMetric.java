package nacre.evaluation.metric;

/**
 * A measure of how like a set of pictures is to the set of true ones, such as FID: one value for
 * all. Pictures are added as they are drawn, and are not kept.
 */
public interface SetMetric {
  /** Its name with the variant, as "FID (pytorch-fid, 2048)". */
  String name();

  /** True if larger values are better. */
  boolean higherIsBetter();

  /**
   * Adds pictures, and the true ones, to the two sets.
   *
   * @param pictures {@code [count, height, width, 3]} in [0, 1], as are the truths
   * @throws IllegalArgumentException if the lengths do not fit
   */
  void add(float[] pictures, float[] truths, int count, int height, int width);

  /** How many pictures were added to each set. */
  long count();

  /**
   * The value for all pictures so far.
   *
   * @throws IllegalStateException if there are too few
   */
  double value();
}
