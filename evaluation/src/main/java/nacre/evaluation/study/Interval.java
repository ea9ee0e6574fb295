package nacre.evaluation.study;

import java.util.Arrays;
import java.util.stream.IntStream;
import nacre.neuralassets.data.Draws;

/**
 * A mean over cases with what is known of its error.
 *
 * @param mean over cases and seeds
 * @param cases that count: those that have a value with every seed
 * @param low end of the 95 % interval of the bootstrap over cases: of 2,000 means of as many cases,
 *     drawn with repetition, 2.5 % are lower
 * @param high its other end
 * @param seeds the mean over cases of each seed
 */
public record Interval(double mean, int cases, double low, double high, double[] seeds) {
  private static final int RESAMPLES = 2000;
  private static final long SEED = 0x626f6f74L;

  /**
   * The interval of values {@code [seeds][cases]}, or of paired differences. Cases that have no
   * value with one of the seeds do not count.
   */
  static Interval of(double[][] values) {
    int[] cases =
        IntStream.range(0, values[0].length)
            .filter(i -> Arrays.stream(values).allMatch(seed -> Double.isFinite(seed[i])))
            .toArray();
    double[] means = new double[cases.length];
    double[] seeds = new double[values.length];
    for (int s = 0; s < values.length; s++) {
      for (int k = 0; k < cases.length; k++) {
        means[k] += values[s][cases[k]] / values.length;
        seeds[s] += values[s][cases[k]] / cases.length;
      }
    }
    if (cases.length == 0) {
      return new Interval(Double.NaN, 0, Double.NaN, Double.NaN, seeds);
    }
    Draws draws = new Draws(SEED, cases.length, 0);
    double[] resampled = new double[RESAMPLES];
    for (int r = 0; r < RESAMPLES; r++) {
      for (int k = 0; k < means.length; k++) {
        resampled[r] += means[draws.below(means.length)] / means.length;
      }
    }
    Arrays.sort(resampled);
    return new Interval(
        Arrays.stream(means).average().orElseThrow(),
        cases.length,
        resampled[(int) (0.025 * RESAMPLES)],
        resampled[(int) (0.975 * RESAMPLES) - 1],
        seeds);
  }

  /** The standard error of the mean over seeds; NaN of one seed. */
  public double standardError() {
    double mean = Arrays.stream(seeds).average().orElseThrow();
    double squares = Arrays.stream(seeds).map(s -> (s - mean) * (s - mean)).sum();
    return seeds.length < 2 ? Double.NaN : Math.sqrt(squares / (seeds.length - 1) / seeds.length);
  }

  /** The interval of the negated values. */
  Interval negated() {
    return new Interval(-mean, cases, -high, -low, Arrays.stream(seeds).map(s -> -s).toArray());
  }

  /** Whether 0 lies outside of the interval, and every seed is on the same side of it. */
  public boolean isSure() {
    return low > 0 && Arrays.stream(seeds).allMatch(s -> s > 0)
        || high < 0 && Arrays.stream(seeds).allMatch(s -> s < 0);
  }
}
