package nacre.evaluation.report;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import nacre.evaluation.metric.SeveralDraws;
import nacre.evaluation.run.EvaluationResults;
import nacre.evaluation.run.EvaluationResults.Column;
import nacre.evaluation.run.EvaluationResults.Method;
import nacre.evaluation.run.EvaluationResults.Score;

/**
 * The plots of a report, one a metric: for each method every case as a small stroke, the middle
 * half of them as a box, and the mean with its interval as a dot with a line.
 */
record ReportPlots(EvaluationResults results) {
  private static final int WIDTH = 420;
  private static final int ROW = 58;
  private static final int TOP = 12;
  private static final int LEFT = 16;
  private static final int RIGHT = 400;
  private static final int COLORS = 6;

  /** Cases that have a stroke of their own; of more, evenly chosen ones do. */
  private static final int STROKES = 400;

  Html all() {
    Html html = new Html();
    html.add("<h2 id=\"plots\">How values are spread</h2>\n");
    html.add(
        "<p>Each stroke is a case, each box the middle half of the cases; the dot is the mean, the"
            + " line through it its 95 % interval.</p>\n<div class=\"plots\">\n");
    for (int i = 0; i < results.metrics().size(); i++) {
      html.add("%s", plot(results.metrics().get(i), i));
    }
    return html.add("</div>\n");
  }

  private double[] values(Method method, Column metric) {
    double[] all = SeveralDraws.mean(results.values(method, metric));
    return Arrays.stream(all).filter(Double::isFinite).sorted().toArray();
  }

  private Html plot(Column metric, int number) {
    List<double[]> values = results.methods().stream().map(m -> values(m, metric)).toList();
    double low = values.stream().flatMapToDouble(Arrays::stream).min().orElse(0);
    double high = values.stream().flatMapToDouble(Arrays::stream).max().orElse(1);
    Axis axis = Axis.of(low, high, LEFT, RIGHT);
    int bottom = TOP + ROW * results.methods().size();
    Html html = new Html();
    html.add("<div><h3>%s</h3>\n", metric.name());
    html.add(
        "<svg viewBox=\"0 0 %s %s\" width=\"%s\" height=\"%s\" role=\"img\" aria-labelledby=\"t%s"
            + " d%s\"><title id=\"t%s\">%s of every case</title><desc id=\"d%s\">%s</desc>\n",
        WIDTH,
        bottom + 30,
        WIDTH,
        bottom + 30,
        number,
        number,
        number,
        metric.name(),
        number,
        told(metric));
    for (double tick : axis.ticks()) {
      String x = at(axis.at(tick));
      html.add("<line class=\"grid\" x1=\"%s\" x2=\"%s\" y1=\"%s\" y2=\"%s\"/>", x, x, TOP, bottom);
      html.add(
          "<text class=\"axis\" x=\"%s\" y=\"%s\" text-anchor=\"middle\">%s</text>\n",
          x, bottom + 20, axis.label(tick));
    }
    for (int i = 0; i < values.size(); i++) {
      row(html, results.methods().get(i), metric, values.get(i), axis, i);
    }
    return html.add("</svg></div>\n");
  }

  private void row(Html html, Method method, Column metric, double[] values, Axis axis, int i) {
    int y = TOP + ROW * i;
    String color = "var(--m" + i % COLORS + ")";
    html.add("<text x=\"%s\" y=\"%s\">%s</text>\n", LEFT, y + 14, shortened(method.name()));
    if (values.length == 0) {
      html.add("<text class=\"axis\" x=\"%s\" y=\"%s\">no values</text>\n", LEFT, y + 36);
      return;
    }
    int every = Math.max(1, values.length / STROKES);
    Html path = new Html();
    for (int k = 0; k < values.length; k += every) {
      path.add("M%s %sv10", at(axis.at(values[k])), y + 40);
    }
    html.add("<path d=\"%s\" stroke=\"%s\" stroke-width=\"1\" opacity=\".55\"/>\n", path, color);
    double from = axis.at(values[values.length / 4]);
    double to = axis.at(values[(values.length - 1) * 3 / 4]);
    html.add(
        "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"14\" fill=\"%s\" opacity=\".3\"/>\n",
        at(from), y + 22, at(Math.max(1, to - from)), color);
    Score score = results.score(method, metric);
    html.add(
        "<line x1=\"%s\" x2=\"%s\" y1=\"%s\" y2=\"%s\" stroke=\"%s\" stroke-width=\"3\"/>",
        at(axis.at(score.interval().low())),
        at(axis.at(score.interval().high())),
        y + 29,
        y + 29,
        color);
    html.add(
        "<circle cx=\"%s\" cy=\"%s\" r=\"5\" fill=\"%s\"/>\n",
        at(axis.at(score.interval().mean())), y + 29, color);
  }

  private static String shortened(String name) {
    return name.length() <= 50 ? name : "…" + name.substring(name.length() - 49);
  }

  private String told(Column metric) {
    StringBuilder told = new StringBuilder();
    for (Method method : results.methods()) {
      Score score = results.score(method, metric);
      Numbers numbers = Numbers.like(score.interval().mean());
      told.append(
          String.format(
              Locale.ROOT,
              "%s: mean %s, interval %s to %s, %d cases. ",
              method.name(),
              numbers.of(score.interval().mean()),
              numbers.of(score.interval().low()),
              numbers.of(score.interval().high()),
              score.cases()));
    }
    return told.toString().strip();
  }

  private static String at(double place) {
    return String.format(Locale.ROOT, "%.1f", place);
  }
}
