package nacre.evaluation.report;

import java.util.Optional;
import nacre.evaluation.study.Interval;
import nacre.evaluation.study.StudyFile;
import nacre.evaluation.study.StudyResults;

/** The tables of a study's report: means by kind of edit, and the comparisons. */
record StudyReportTables(StudyResults results) {
  Html all() {
    Html html = new Html();
    html.add("<h2 id=\"results\">Results</h2>\n");
    html.add(
        "<p>Means over cases and seeds, ± their standard error over seeds; in brackets the 95 %"
            + " interval over cases.</p>\n");
    results.metrics().forEach(metric -> means(html, metric));
    if (results.metrics().isEmpty()) {
      html.add("<p>Nothing is measured yet.</p>\n");
    }
    if (!results.file().comparisons().isEmpty()) {
      html.add("<h2 id=\"comparisons\">Comparisons</h2>\n");
      html.add(
          "<p>By how much the first is ahead of the second: the mean of the differences case by"
              + " case and seed by seed, and its 95 % interval by a paired bootstrap over cases."
              + " Above 0 the first is better; it is bold and marked where the interval excludes 0"
              + " and every seed agrees. Each seed's own stand below.</p>\n");
      results.metrics().forEach(metric -> comparisons(html, metric));
    }
    return html;
  }

  private Numbers numbers(String metric, Optional<Interval> like) {
    return Numbers.like(like.map(Interval::mean).orElse(0.0), results.isLarge(metric) ? 10 : 0);
  }

  private void means(Html html, String metric) {
    html.add("<h3>%s</h3>\n", metric);
    String better = results.higherIsBetter(metric) ? "higher is better" : "lower is better";
    ReportTables.head(html, metric + ", " + better, "Method");
    columns(html);
    for (String name : results.names()) {
      ReportTables.row(html, name);
      for (String kind : results.kinds()) {
        Optional<Interval> mean = results.of(name, metric, kind);
        html.add("<td>%s</td>", mean(mean, numbers(metric, mean), results.cases(kind)));
      }
      html.add("</tr>\n");
    }
    ReportTables.end(html);
  }

  private void columns(Html html) {
    results.kinds().forEach(kind -> html.add("<th scope=\"col\">%s</th>", kind));
    html.add("</tr></thead><tbody>\n");
  }

  private static Html mean(Optional<Interval> mean, Numbers numbers, int cases) {
    Html cell = new Html();
    if (mean.isEmpty()) {
      return cell.add("–");
    }
    Interval one = mean.get();
    cell.add("%s", numbers.of(one.mean()));
    if (Double.isFinite(one.standardError())) {
      cell.add("<small>± %s</small>", numbers.of(one.standardError()));
    }
    cell.add("<small>[%s, %s]</small>", numbers.of(one.low()), numbers.of(one.high()));
    if (one.cases() < cases) {
      cell.add("<small>%s cases</small>", one.cases());
    }
    return cell;
  }

  private void comparisons(Html html, String metric) {
    html.add("<h3>%s: differences</h3>\n", metric);
    ReportTables.head(html, metric + ": by how much the first is ahead", "First − second");
    columns(html);
    for (StudyFile.Comparison comparison : results.file().comparisons()) {
      ReportTables.row(html, comparison.first() + " − " + comparison.second());
      for (String kind : results.kinds()) {
        Optional<Interval> ahead = results.ahead(comparison, metric, kind);
        difference(html, ahead, numbers(metric, ahead));
      }
      html.add("</tr>\n");
    }
    ReportTables.end(html);
  }

  private static void difference(Html html, Optional<Interval> ahead, Numbers numbers) {
    if (ahead.isEmpty()) {
      html.add("<td>–</td>");
      return;
    }
    Interval one = ahead.get();
    html.add(one.isSure() ? "<td class=\"best\">" : "<td>").add("%s", numbers.signed(one.mean()));
    html.add("%s", one.isSure() ? ReportTables.star("sure") : new Html());
    html.add("<small>[%s, %s]</small>", numbers.signed(one.low()), numbers.signed(one.high()));
    for (double seed : one.seeds()) {
      html.add("<small>%s</small>", numbers.signed(seed));
    }
    html.add("</td>");
  }
}
