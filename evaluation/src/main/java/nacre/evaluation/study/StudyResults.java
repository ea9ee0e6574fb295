package nacre.evaluation.study;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import nacre.evaluation.PairCases;
import nacre.evaluation.benchmark.EditKind;

/**
 * What a study has measured so far.
 *
 * @param file the study
 * @param measured of those methods and seeds that are done
 * @param missing what is not, in words, such as "plain, seed 2"
 */
public record StudyResults(StudyFile file, List<Measured> measured, List<String> missing) {
  /** The name of all kinds of edits together, without pairs. */
  public static final String ALL = "all";

  /** Copies the lists. */
  public StudyResults {
    measured = List.copyOf(measured);
    missing = List.copyOf(missing);
  }

  /** All names of the study in its order: variants, then methods that need no training. */
  public List<String> names() {
    List<String> names = new ArrayList<>(file.variants().keySet());
    names.addAll(file.methods());
    return names;
  }

  /** What was measured, the first metric first. */
  public List<String> metrics() {
    Set<String> metrics = new LinkedHashSet<>();
    measured.forEach(one -> one.columns().forEach(column -> metrics.add(column.metric())));
    return List.copyOf(metrics);
  }

  /** Whether larger values of a metric are better. */
  public boolean higherIsBetter(String metric) {
    return measured.stream()
        .flatMap(one -> one.column(metric).stream())
        .findFirst()
        .map(Measured.Column::higherIsBetter)
        .orElse(true);
  }

  /** {@link #ALL}, the kinds of edits that the cases have, and pairs if there are any. */
  public List<String> kinds() {
    List<String> kinds = new ArrayList<>(List.of(ALL));
    for (EditKind kind : EditKind.values()) {
      if (kind.ordinal() < file.cases()) {
        kinds.add(kind.label());
      }
    }
    if (file.pairs() > 0) {
      kinds.add(PairCases.KIND);
    }
    return kinds;
  }

  /** The number of cases of a kind. */
  public int cases(String kind) {
    return some(new double[file.drawn()], kind).length;
  }

  /**
   * The mean of a method, over the cases of a kind and the seeds that are done.
   *
   * @return empty if it has drawn none
   */
  public Optional<Interval> of(String name, String metric, String kind) {
    List<double[]> values = new ArrayList<>();
    bySeed(name, metric).values().forEach(all -> values.add(some(all, kind)));
    return interval(values);
  }

  /**
   * By how much one method is ahead of another, case by case and seed by seed: above 0 the first is
   * better. A method that has one seed is compared with each of the other's.
   *
   * @return empty if no case was drawn by both
   */
  public Optional<Interval> ahead(StudyFile.Comparison comparison, String metric, String kind) {
    Map<Long, double[]> first = bySeed(comparison.first(), metric);
    Map<Long, double[]> second = bySeed(comparison.second(), metric);
    List<double[]> differences = new ArrayList<>();
    for (long seed : (isUntrained(comparison.first()) ? second : first).keySet()) {
      double[] one = isUntrained(comparison.first()) ? only(first) : first.get(seed);
      double[] other = isUntrained(comparison.second()) ? only(second) : second.get(seed);
      if (one != null && other != null) {
        double[] all = new double[one.length];
        Arrays.setAll(all, i -> one[i] - other[i]);
        differences.add(some(all, kind));
      }
    }
    return interval(differences).map(d -> higherIsBetter(metric) ? d : d.negated());
  }

  private static Optional<Interval> interval(List<double[]> bySeed) {
    return Optional.of(bySeed)
        .filter(values -> !values.isEmpty())
        .map(values -> Interval.of(values.toArray(double[][]::new)))
        .filter(interval -> interval.cases() > 0);
  }

  /** Whether the values of a metric are of the size of decibels, rather than shares. */
  public boolean isLarge(String metric) {
    return measured.stream()
        .flatMap(one -> one.column(metric).stream())
        .flatMapToDouble(column -> Arrays.stream(column.values()))
        .anyMatch(value -> Math.abs(value) > 2);
  }

  private boolean isUntrained(String name) {
    return file.methods().contains(name);
  }

  private static double[] only(Map<Long, double[]> bySeed) {
    return bySeed.isEmpty() ? null : bySeed.values().iterator().next();
  }

  private Map<Long, double[]> bySeed(String name, String metric) {
    Map<Long, double[]> values = new LinkedHashMap<>();
    for (Measured one : measured) {
      if (one.method().equals(name)) {
        one.column(metric).ifPresent(column -> values.put(one.seed(), column.values()));
      }
    }
    return values;
  }

  private double[] some(double[] all, String kind) {
    return IntStream.range(0, all.length)
        .filter(i -> isOf(i, kind))
        .mapToDouble(i -> all[i])
        .toArray();
  }

  private boolean isOf(int number, String kind) {
    EditKind[] kinds = EditKind.values();
    return number < file.cases()
        ? kind.equals(ALL) || kinds[number % kinds.length].label().equals(kind)
        : kind.equals(PairCases.KIND);
  }
}
