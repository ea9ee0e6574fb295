package nacre.evaluation.metric;

import java.util.Arrays;

/**
 * A mean over seeds with its standard error, which is the sample's standard deviation over the root
 * of their number.
 *
 * @param error NaN where there is one seed
 */
public record MeanOfSeeds(double mean, double error) {
  /** Of a value a seed. */
  public static MeanOfSeeds of(double... seeds) {
    double mean = Arrays.stream(seeds).average().orElseThrow();
    double squares = Arrays.stream(seeds).map(s -> (s - mean) * (s - mean)).sum();
    int n = seeds.length;
    return new MeanOfSeeds(mean, n < 2 ? Double.NaN : Math.sqrt(squares / (n - 1) / n));
  }
}
