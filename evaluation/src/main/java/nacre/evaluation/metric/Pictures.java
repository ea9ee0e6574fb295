package nacre.evaluation.metric;

import java.util.Locale;

/** The checks of pictures that all metrics share. */
final class Pictures {
  /** Channels of a picture. */
  static final int CHANNELS = 3;

  private Pictures() {}

  /** Requires both to be {@code [count, height, width, 3]}. */
  static void check(
      String metric, float[] pictures, float[] truths, int count, int height, int width) {
    long wanted = (long) count * height * width * CHANNELS;
    if (count < 0
        || height < 1
        || width < 1
        || pictures.length != wanted
        || truths.length != wanted) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s: %d and %d values, wanted are %d for each set of %d pictures of %d × %d pixels",
              metric,
              pictures.length,
              truths.length,
              wanted,
              count,
              height,
              width));
    }
  }

  /** Requires pictures of at least {@code least} pixels a side. */
  static void atLeast(String metric, int least, int height, int width) {
    if (Math.min(height, width) < least) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s: pictures of %d × %d pixels, at least %d a side are wanted",
              metric,
              height,
              width,
              least));
    }
  }

  /** The largest value of picture {@code i} less the smallest. */
  static double spread(float[] pictures, int i, int length) {
    float least = Float.POSITIVE_INFINITY;
    float most = Float.NEGATIVE_INFINITY;
    for (int k = i * length; k < (i + 1) * length; k++) {
      least = Math.min(least, pictures[k]);
      most = Math.max(most, pictures[k]);
    }
    return (double) most - least;
  }
}
