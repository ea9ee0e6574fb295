package nacre.evaluation.metric;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The mean of values over cases and seeds, or of paired differences.
 *
 * @param cases that count: those that have a finite value with every seed
 * @param seeds the mean over these cases with each seed
 * @param interval of the mean over cases, each case's averaged over the seeds
 */
public record MeanOfCases(int cases, double[] seeds, BootstrapInterval interval) {
  /**
   * The mean of values {@code [seeds][cases]}; of NaN, over no case, where none counts.
   *
   * @param resamples see {@link BootstrapInterval#of}, as the seed
   */
  public static MeanOfCases of(double[][] values, int resamples, long seed) {
    int[] count =
        IntStream.range(0, values[0].length)
            .filter(i -> Arrays.stream(values).allMatch(one -> Double.isFinite(one[i])))
            .toArray();
    if (count.length == 0) {
      double nan = Double.NaN;
      return new MeanOfCases(0, new double[0], new BootstrapInterval(nan, nan, nan));
    }
    double[][] some =
        Arrays.stream(values)
            .map(one -> Arrays.stream(count).mapToDouble(i -> one[i]).toArray())
            .toArray(double[][]::new);
    double[] seeds =
        Arrays.stream(some).mapToDouble(one -> Arrays.stream(one).sum() / one.length).toArray();
    double[] means = SeveralDraws.mean(some);
    return new MeanOfCases(
        count.length, seeds, BootstrapInterval.of(means, BootstrapInterval.LEVEL, resamples, seed));
  }
}
