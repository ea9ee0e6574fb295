package nacre.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import nacre.evaluation.metric.MeanOfSeeds;
import nacre.evaluation.run.EvaluationResults;

/** The results of a comparison as text, a block for each metric. */
final class ComparisonTable {
  private final EvaluationResults results;
  private final List<String> lines = new ArrayList<>();

  private ComparisonTable(EvaluationResults results) {
    this.results = results;
  }

  static String of(EvaluationResults results) {
    ComparisonTable table = new ComparisonTable(results);
    results.metrics().forEach(table::metric);
    results.setMetrics().forEach(table::set);
    for (EvaluationResults.Method method : results.methods()) {
      table.rate(method);
    }
    return String.join(System.lineSeparator(), table.lines);
  }

  private void metric(EvaluationResults.Column metric) {
    lines.add(heading(metric));
    EvaluationResults.Method first = results.methods().getFirst();
    for (EvaluationResults.Method method : results.methods()) {
      EvaluationResults.Score score = results.score(method, metric);
      String line =
          String.format(
              Locale.ROOT,
              "  %-28s %9.4f%s  [%.4f, %.4f]",
              method.name(),
              score.seeds().mean(),
              error(score.seeds()),
              score.interval().low(),
              score.interval().high());
      if (method != first) {
        EvaluationResults.Score ahead = results.difference(first, method, metric);
        line +=
            String.format(
                Locale.ROOT,
                "  first − this %+.4f [%+.4f, %+.4f]",
                ahead.interval().mean(),
                ahead.interval().low(),
                ahead.interval().high());
      }
      if (method.seeds().size() > 1) {
        line +=
            String.format(
                Locale.ROOT,
                "  best of %d %.4f",
                method.seeds().size(),
                results.best(method, metric).interval().mean());
      }
      lines.add(line + (score.cases() < results.cases() ? "  of " + score.cases() : ""));
    }
  }

  private static String heading(EvaluationResults.Column metric) {
    return metric.name() + (metric.higherIsBetter() ? ", higher is better" : ", lower is better");
  }

  private void set(String key, EvaluationResults.Column metric) {
    lines.add(heading(metric));
    for (EvaluationResults.Method method : results.methods()) {
      MeanOfSeeds score = results.setScore(method, key);
      lines.add(
          String.format(Locale.ROOT, "  %-28s %9.4f%s", method.name(), score.mean(), error(score)));
    }
  }

  private static String error(MeanOfSeeds score) {
    return Double.isFinite(score.error())
        ? String.format(Locale.ROOT, " ± %.4f", score.error())
        : "";
  }

  private void rate(EvaluationResults.Method method) {
    long refused = method.seeds().getFirst().refused();
    lines.add(
        String.format(
            Locale.ROOT,
            "rate    %s: %.1f pictures/s drawn, %.1f measured%s",
            method.name(),
            method.work().drawnPerSecond(),
            method.work().measuredPerSecond(),
            refused > 0 ? "; " + refused + " cases that it cannot draw" : ""));
  }
}
