package nacre.evaluation.report;

import java.util.Locale;
import nacre.evaluation.metric.MeanOfSeeds;
import nacre.evaluation.run.EvaluationResults;
import nacre.evaluation.run.EvaluationResults.Column;
import nacre.evaluation.run.EvaluationResults.Method;
import nacre.evaluation.run.EvaluationResults.Score;

/** The tables of a report. */
record ReportTables(EvaluationResults results) {
  private static final String METHOD = "Method";

  Html all() {
    Html html = new Html();
    html.add("<h2 id=\"results\">Results</h2>\n");
    means(html);
    if (results.methods().size() > 1) {
      differences(html);
    }
    if (results.methods().stream().anyMatch(method -> method.seeds().size() > 1)) {
      best(html);
    }
    if (results.kinds().size() > 1) {
      html.add("<h2 id=\"kinds\">By kind of edit</h2>\n");
      results.metrics().forEach(metric -> kinds(html, metric));
    }
    return html;
  }

  /** Begins a table, whose first column is the head of its rows. */
  static void head(Html html, String caption, String first) {
    html.add(
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"%s\"><table>\n", caption);
    html.add(
        "<caption><span>%s</span></caption>\n<thead><tr><th scope=\"col\">%s</th>", caption, first);
  }

  private static void column(Html html, Column metric) {
    html.add(
        "<th scope=\"col\">%s<br><span class=\"soft\">%s</span></th>",
        metric.name(), metric.higherIsBetter() ? "higher is better" : "lower is better");
  }

  static void row(Html html, String name) {
    html.add("<tr><th scope=\"row\">%s</th>", name);
  }

  static void end(Html html) {
    html.add("</tbody></table></div>\n");
  }

  private void means(Html html) {
    head(
        html,
        "Means over cases; ± is the standard error over seeds, brackets the 95 % interval of a"
            + " bootstrap over cases. Where all methods have the same cases, the best is bold and"
            + " marked.",
        METHOD);
    results.metrics().forEach(metric -> column(html, metric));
    results.setMetrics().values().forEach(metric -> column(html, metric));
    html.add("</tr></thead><tbody>\n");
    for (Method method : results.methods()) {
      row(html, method.name());
      for (Column metric : results.metrics()) {
        Score score = results.score(method, metric);
        Numbers numbers = Numbers.like(score.interval().mean());
        boolean best =
            haveSameCases(metric)
                && isBest(
                    score.seeds().mean(), metric, m -> results.score(m, metric).seeds().mean());
        cell(html, numbers, score.seeds(), best);
        html.add(
            "<small>[%s, %s]</small>",
            numbers.of(score.interval().low()), numbers.of(score.interval().high()));
        if (score.cases() < results.cases()) {
          html.add("<small>%s cases</small>", score.cases());
        }
        html.add("</td>");
      }
      results
          .setMetrics()
          .forEach(
              (key, metric) -> {
                MeanOfSeeds score = results.setScore(method, key);
                boolean best = isBest(score.mean(), metric, m -> results.setScore(m, key).mean());
                cell(html, Numbers.like(score.mean()), score, best);
                html.add("</td>");
              });
      html.add("</tr>\n");
    }
    end(html);
  }

  private interface Value {
    double of(Method method);
  }

  private boolean isBest(double mean, Column metric, Value value) {
    return results.methods().size() > 1
        && results.methods().stream()
            .mapToDouble(value::of)
            .allMatch(other -> metric.higherIsBetter() ? mean >= other : mean <= other);
  }

  /** Means over different cases cannot be compared. */
  private boolean haveSameCases(Column metric) {
    return results.methods().stream()
            .map(method -> results.score(method, metric).cases())
            .distinct()
            .count()
        == 1;
  }

  private static void cell(Html html, Numbers numbers, MeanOfSeeds score, boolean best) {
    html.add(best ? "<td class=\"best\">" : "<td>").add("%s", numbers.of(score.mean()));
    if (Double.isFinite(score.error())) {
      html.add(" ± %s", numbers.of(score.error()));
    }
    if (best) {
      html.add("%s", star("best"));
    }
  }

  /** The mark of what is bold, which not everyone sees. */
  static Html star(String means) {
    return new Html().add(" <span role=\"img\" aria-label=\"%s\">★</span>", means);
  }

  private void differences(Html html) {
    Method first = results.methods().getFirst();
    head(
        html,
        "How much "
            + first.name()
            + " is above the others: means of the differences of the cases that both drew, with the"
            + " 95 % interval of a paired bootstrap. Bold and marked: better, and the interval"
            + " excludes 0.",
        METHOD);
    results.metrics().forEach(metric -> column(html, metric));
    html.add("</tr></thead><tbody>\n");
    for (Method method : results.methods().subList(1, results.methods().size())) {
      row(html, method.name());
      for (Column metric : results.metrics()) {
        Score score = results.difference(first, method, metric);
        Numbers numbers = Numbers.like(results.score(first, metric).interval().mean());
        boolean better =
            metric.higherIsBetter() ? score.interval().low() > 0 : score.interval().high() < 0;
        html.add(better ? "<td class=\"best\">" : "<td>");
        html.add(
            "%s%s<small>[%s, %s]</small></td>",
            numbers.signed(score.interval().mean()),
            better ? star("better") : new Html(),
            numbers.signed(score.interval().low()),
            numbers.signed(score.interval().high()));
      }
      html.add("</tr>\n");
    }
    end(html);
  }

  private void best(Html html) {
    head(
        html,
        "Of each case the seed that is best by "
            + results.metrics().getFirst().name()
            + ". The best of more seeds is better, and must not be compared with a mean.",
        METHOD);
    results.metrics().forEach(metric -> column(html, metric));
    html.add("</tr></thead><tbody>\n");
    for (Method method : results.methods()) {
      int seeds = method.seeds().size();
      row(html, method.name() + String.format(Locale.ROOT, ", best of %d", seeds));
      for (Column metric : results.metrics()) {
        double mean = results.best(method, metric).interval().mean();
        html.add("<td>%s</td>", Numbers.like(mean).of(mean));
      }
      html.add("</tr>\n");
    }
    end(html);
  }

  private void kinds(Html html, Column metric) {
    html.add(
        "<details%s><summary>%s</summary>\n",
        new Html().add(metric == results.metrics().getFirst() ? " open" : ""), metric.name());
    head(html, metric.name() + " by kind: means and 95 % intervals over cases", METHOD);
    results.kinds().forEach(kind -> html.add("<th scope=\"col\">%s</th>", kind));
    html.add("</tr></thead><tbody>\n");
    for (Method method : results.methods()) {
      row(html, method.name());
      for (String kind : results.kinds()) {
        Score score = results.score(method, metric, kind);
        Numbers numbers = Numbers.like(score.interval().mean());
        html.add(
            "<td>%s<small>[%s, %s]</small><small>%s cases</small></td>",
            numbers.of(score.seeds().mean()),
            numbers.of(score.interval().low()),
            numbers.of(score.interval().high()),
            score.cases());
      }
      html.add("</tr>\n");
    }
    end(html);
    html.add("</details>\n");
  }
}
