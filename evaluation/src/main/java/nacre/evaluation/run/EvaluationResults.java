package nacre.evaluation.run;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import nacre.evaluation.metric.BootstrapInterval;
import nacre.evaluation.metric.MeanOfCases;
import nacre.evaluation.metric.MeanOfSeeds;
import nacre.evaluation.metric.SeveralDraws;

/**
 * The results of an evaluation: the values of all methods, and what they come to.
 *
 * @param cases how many there are
 * @param metrics of single pictures, in the order of tables
 * @param methods in the order of tables, the one that is evaluated first
 */
public record EvaluationResults(int cases, List<Column> metrics, List<Method> methods) {
  private static final long SEED = 0x626f6f74L;

  /** Values that are drawn for an interval, at most. */
  private static final long DRAWS = 20_000_000;

  private static final int LEAST_RESAMPLES = 1_000;

  /**
   * A metric.
   *
   * @param key by which its values are kept
   */
  public record Column(String name, String key, boolean higherIsBetter) {
    /** That of a metric. */
    public static Column of(CaseMetric metric) {
      return new Column(metric.name(), metric.key(), metric.higherIsBetter());
    }
  }

  /**
   * A method's values.
   *
   * @param seeds one for each that was drawn with
   * @param sets values of sets of pictures, one map a seed, with the same keys
   */
  public record Method(
      String name, List<MethodValues> seeds, List<Map<String, SetEvaluator.SetValue>> sets) {
    /** Copies the lists. */
    public Method {
      seeds = List.copyOf(seeds);
      sets = List.copyOf(sets);
    }

    /** What drawing and measuring took. */
    public Work work() {
      return seeds.stream().map(MethodValues::work).reduce(Work.NONE, Work::plus);
    }
  }

  /**
   * A mean over cases.
   *
   * @param cases that count: those that have a finite value with every seed
   * @param seeds the mean over cases and seeds, with its standard error over seeds
   * @param interval of the mean over cases, each case's averaged over the seeds
   */
  public record Score(int cases, MeanOfSeeds seeds, BootstrapInterval interval) {
    /** Of no case. */
    static final Score NONE =
        new Score(
            0,
            new MeanOfSeeds(Double.NaN, Double.NaN),
            new BootstrapInterval(Double.NaN, Double.NaN, Double.NaN));
  }

  /** Copies the lists. */
  public EvaluationResults {
    metrics = List.copyOf(metrics);
    methods = List.copyOf(methods);
  }

  /** The kinds of the cases, in the order of their first case. */
  public Set<String> kinds() {
    Set<String> kinds = new LinkedHashSet<>();
    byNumber().values().forEach(one -> kinds.add(one.kind()));
    return kinds;
  }

  /** Something of every case that some method met, whoever drew it. */
  private SortedMap<Integer, CaseValues> byNumber() {
    SortedMap<Integer, CaseValues> all = new TreeMap<>();
    methods.forEach(method -> method.seeds.forEach(seed -> all.putAll(seed.values())));
    return all;
  }

  /** The values {@code [seeds][cases]} of a metric; NaN where there is none. */
  public double[][] values(Method method, Column metric) {
    return method.seeds.stream().map(s -> s.of(metric.key, cases)).toArray(double[][]::new);
  }

  /** The mean of a method, over all cases. */
  public Score score(Method method, Column metric) {
    return score(values(method, metric));
  }

  /** The same over the cases of a kind. */
  public Score score(Method method, Column metric, String kind) {
    double[][] values = values(method, metric);
    SortedMap<Integer, CaseValues> all = byNumber();
    for (double[] seed : values) {
      for (int i = 0; i < seed.length; i++) {
        CaseValues one = all.get(i);
        seed[i] = one != null && one.kind().equals(kind) ? seed[i] : Double.NaN;
      }
    }
    return score(values);
  }

  /** The mean over cases of the best picture of each: the one that is best by the first metric. */
  public Score best(Method method, Column metric) {
    double[][] by = values(method, metrics.getFirst());
    int[] best = SeveralDraws.best(by, metrics.getFirst().higherIsBetter);
    return score(new double[][] {SeveralDraws.of(values(method, metric), best)});
  }

  /** The mean of the differences, a method's values less another's, of cases that both have. */
  public Score difference(Method one, Method other, Column metric) {
    double[] a = SeveralDraws.mean(values(one, metric));
    double[] b = SeveralDraws.mean(values(other, metric));
    double[] differences = new double[cases];
    Arrays.setAll(differences, i -> a[i] - b[i]);
    return score(new double[][] {differences});
  }

  private static Score score(double[][] values) {
    int most = Math.max(1, values[0].length);
    int resamples = Math.clamp(DRAWS / most, LEAST_RESAMPLES, BootstrapInterval.RESAMPLES);
    MeanOfCases mean = MeanOfCases.of(values, resamples, SEED);
    return mean.cases() == 0
        ? Score.NONE
        : new Score(mean.cases(), MeanOfSeeds.of(mean.seeds()), mean.interval());
  }

  /** The metrics of sets, by their keys. */
  public Map<String, Column> setMetrics() {
    Map<String, Column> columns = new LinkedHashMap<>();
    for (Method method : methods) {
      for (Map<String, SetEvaluator.SetValue> seed : method.sets) {
        seed.forEach(
            (key, value) ->
                columns.put(key, new Column(value.metric(), key, value.higherIsBetter())));
      }
    }
    return columns;
  }

  /** The value of sets of pictures, over the seeds; NaN where a seed has none. */
  public MeanOfSeeds setScore(Method method, String key) {
    List<Double> values = new ArrayList<>();
    for (Map<String, SetEvaluator.SetValue> seed : method.sets) {
      values.add(seed.containsKey(key) ? seed.get(key).value() : Double.NaN);
    }
    return values.isEmpty()
        ? new MeanOfSeeds(Double.NaN, Double.NaN)
        : MeanOfSeeds.of(values.stream().mapToDouble(v -> v).toArray());
  }
}
