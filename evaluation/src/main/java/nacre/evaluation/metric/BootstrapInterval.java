package nacre.evaluation.metric;

import java.util.Arrays;
import java.util.Locale;
import nacre.neuralassets.data.Draws;

/**
 * A confidence interval of a mean by the bootstrap, bias-corrected and accelerated (BCa; Efron,
 * 1987): the mean of as many values, drawn with repetition, again and again; of these means those
 * quantiles that are right for skewed values, too. The same values and seed give the same interval.
 *
 * @param mean of the values
 * @param low end of the interval
 * @param high its other end
 */
public record BootstrapInterval(double mean, double low, double high) {
  /** Means that are drawn where nothing else is said. */
  public static final int RESAMPLES = 10_000;

  /** The share of intervals that hold the true mean, where nothing else is said. */
  public static final double LEVEL = 0.95;

  /** Of the differences of values that belong together, {@code a[i] − b[i]}, one a case. */
  public static BootstrapInterval paired(double[] a, double[] b, long seed) {
    if (a.length != b.length) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "%d and %d values are no pairs", a.length, b.length));
    }
    double[] differences = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      differences[i] = a[i] - b[i];
    }
    return of(differences, LEVEL, RESAMPLES, seed);
  }

  /**
   * Of the differences of values {@code [seeds][cases]}, each case's averaged over the seeds. It
   * says how sure a difference is on other cases, not how much it changes with the seed, for which
   * there is {@link MeanOfSeeds}.
   */
  public static BootstrapInterval paired(double[][] a, double[][] b, long seed) {
    return paired(SeveralDraws.mean(a), SeveralDraws.mean(b), seed);
  }

  /** Whether 0 lies outside. */
  public boolean excludesZero() {
    return low > 0 || high < 0;
  }

  /**
   * Of the mean of values.
   *
   * @param level such as 0.95
   * @throws IllegalArgumentException if there are no values, or one is not finite
   */
  public static BootstrapInterval of(double[] values, double level, int resamples, long seed) {
    if (values.length == 0 || !Arrays.stream(values).allMatch(Double::isFinite)) {
      throw new IllegalArgumentException("an interval wants values, and finite ones");
    }
    double mean = Arrays.stream(values).sum() / values.length;
    double[] means = new double[resamples];
    Draws draws = new Draws(seed, values.length, 0);
    for (int r = 0; r < resamples; r++) {
      for (int k = 0; k < values.length; k++) {
        means[r] += values[draws.below(values.length)];
      }
      means[r] /= values.length;
    }
    Arrays.sort(means);
    double bias = bias(means, mean);
    double acceleration = acceleration(values, mean);
    double tail = Normal.quantile((1 - level) / 2);
    return new BootstrapInterval(
        mean,
        quantile(means, Normal.below(corrected(bias, acceleration, tail))),
        quantile(means, Normal.below(corrected(bias, acceleration, -tail))));
  }

  /** The deviate below which as many are as drawn means below the mean; half of those equal. */
  private static double bias(double[] means, double mean) {
    double below = 0;
    for (double m : means) {
      below += m < mean ? 1 : m == mean ? 0.5 : 0;
    }
    double least = 0.5 / means.length;
    return Normal.quantile(Math.clamp(below / means.length, least, 1 - least));
  }

  /** Of the mean: a sixth of the skewness of the means of all values but one. */
  private static double acceleration(double[] values, double mean) {
    double squares = 0;
    double cubes = 0;
    for (double v : values) {
      squares += (v - mean) * (v - mean);
      cubes += Math.pow(v - mean, 3);
    }
    return squares == 0 ? 0 : cubes / (6 * Math.pow(squares, 1.5));
  }

  private static double corrected(double bias, double acceleration, double tail) {
    return bias + (bias + tail) / (1 - acceleration * (bias + tail));
  }

  private static double quantile(double[] sorted, double share) {
    double at = share * (sorted.length - 1);
    int below = (int) at;
    int above = Math.min(sorted.length - 1, below + 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }

  /** The standard normal distribution. */
  static final class Normal {
    private static final double FAR = 8;

    private Normal() {}

    /** The share below x: {@code ½ + φ(x) (x + x³/3 + x⁵/(3·5) + …)} (Marsaglia, 2004). */
    static double below(double x) {
      if (Math.abs(x) > FAR) {
        return x < 0 ? 0 : 1;
      }
      double sum = x;
      double term = x;
      for (int i = 3; sum + term != sum; i += 2) {
        term *= x * x / i;
        sum += term;
      }
      return 0.5 + sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    }

    /** The deviate below which a share lies, found by halving. */
    static double quantile(double share) {
      double low = -FAR;
      double high = FAR;
      for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (below(middle) < share) {
          low = middle;
        } else {
          high = middle;
        }
      }
      return (low + high) / 2;
    }
  }
}
