package nacre.evaluation.run;

import java.util.Arrays;
import java.util.SortedMap;

/**
 * The values of all cases, drawn by one method with one seed.
 *
 * @param method its name
 * @param seed of what was drawn
 * @param values by the cases' numbers
 * @param work what that took
 */
public record MethodValues(
    String method, long seed, SortedMap<Integer, CaseValues> values, Work work) {
  /**
   * The values of a metric by the cases' numbers; NaN for those that have none.
   *
   * @param metric its {@linkplain CaseMetric#key key}
   * @param cases how many there are
   */
  public double[] of(String metric, int cases) {
    double[] all = new double[cases];
    Arrays.fill(all, Double.NaN);
    values.forEach((number, one) -> all[number] = one.values().getOrDefault(metric, Double.NaN));
    return all;
  }

  /** How many cases the method could not draw. */
  public long refused() {
    return values.values().stream().filter(one -> one.refusal() != null).count();
  }
}
