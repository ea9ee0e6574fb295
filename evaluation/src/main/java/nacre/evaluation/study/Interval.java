package nacre.evaluation.study;

import java.util.Arrays;
import nacre.evaluation.metric.BootstrapInterval;
import nacre.evaluation.metric.MeanOfCases;
import nacre.evaluation.metric.MeanOfSeeds;

/**
 * A mean over cases and seeds with what is known of its error.
 *
 * @param cases that count: those that have a value with every seed, at least one
 * @param low end of the 95 % interval by the bootstrap over cases
 * @param high its other end
 * @param seeds the mean over cases of each seed
 */
public record Interval(double mean, int cases, double low, double high, double[] seeds) {
  private static final int RESAMPLES = 2000;
  private static final long SEED = 0x626f6f74L;

  /** The interval of values {@code [seeds][cases]}, or of paired differences. */
  static Interval of(double[][] values) {
    MeanOfCases all = MeanOfCases.of(values, RESAMPLES, SEED);
    BootstrapInterval interval = all.interval();
    return new Interval(interval.mean(), all.cases(), interval.low(), interval.high(), all.seeds());
  }

  /** The standard error of the mean over seeds; NaN of one seed. */
  public double standardError() {
    return seeds.length == 0 ? Double.NaN : MeanOfSeeds.of(seeds).error();
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
