package nacre.evaluation.study;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The plot of a study as SVG: a panel for each kind of edits, in it a row for each method with the
 * mean of a metric, its 95 % interval over cases, and the mean of each seed.
 */
public final class StudyPlot {
  private static final int LABELS = 170;
  private static final int PANEL = 360;
  private static final int GAP = 26;
  private static final int ROW = 19;
  private static final int TOP = 64;
  private static final int HEADING = 26;
  private static final int AXIS = 30;
  private static final String TRAINED = "trained";
  private static final String UNTRAINED = "untrained";
  private static final String INK = "ink";
  private static final String FAINT = "faint";
  private static final String GRID = "grid";

  /** The colors of a light scheme, and of a dark one where the browser has it. */
  private static final String STYLE =
      """
      <style>
      svg { color-scheme: light dark; --page: #fff; --ink: #222; --faint: #666; --grid: #e6e6e6; --trained: #1f5fa8; }
      @media (prefers-color-scheme: dark) {
        svg { --page: #14171b; --ink: #e6e9ed; --faint: #a8b0ba; --grid: #343b43; --trained: #7db0ff; }
      }
      .page { fill: var(--page); } .ink { fill: var(--ink); } .faint { fill: var(--faint); }
      .grid { stroke: var(--grid); } .trained { fill: var(--trained); stroke: var(--trained); }
      .untrained { fill: var(--faint); stroke: var(--faint); }
      </style>
      """;

  private final StudyResults results;
  private final String metric;
  private final StringBuilder svg = new StringBuilder();
  private double low = Double.POSITIVE_INFINITY;
  private double high = Double.NEGATIVE_INFINITY;
  private double step;

  private StudyPlot(StudyResults results, String metric) {
    this.results = results;
    this.metric = metric;
  }

  /** The plot of a metric; without one it says that there is nothing to be seen yet. */
  public static String svg(StudyResults results, String metric) {
    return new StudyPlot(results, metric).draw();
  }

  /** The plot of a metric in words, for those who cannot see it. */
  public static String description(StudyResults results, String metric) {
    return new StudyPlot(results, metric).description();
  }

  private String draw() {
    List<String> kinds = results.kinds();
    Map<String, Optional<Interval>> intervals = new TreeMap<>();
    for (String kind : kinds) {
      for (String name : results.names()) {
        Optional<Interval> interval = results.of(name, metric, kind);
        intervals.put(kind + "/" + name, interval);
        interval.ifPresent(this::cover);
      }
    }
    scale();
    int columns = 2;
    int rows = (kinds.size() + columns - 1) / columns;
    int panelHeight = HEADING + ROW * results.names().size() + AXIS;
    int width = LABELS + columns * (PANEL + GAP);
    int height = TOP + rows * panelHeight + 10;
    svg.append(
        String.format(
            Locale.ROOT,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d"
                + " %d\" role=\"img\" aria-labelledby=\"title desc\" font-family=\"DejaVu Sans,"
                + " Verdana, sans-serif\">\n",
            width,
            height,
            width,
            height));
    line("<title id=\"title\">" + escaped(results.file().title() + ": " + metric) + "</title>");
    line("<desc id=\"desc\">" + escaped(description()) + "</desc>");
    svg.append(STYLE);
    line("<rect class=\"page\" width=\"100%\" height=\"100%\"/>");
    text(16, 26, 16, INK, "start", "bold", results.file().title());
    text(16, 46, 12, FAINT, "start", "normal", legend());
    for (int k = 0; k < kinds.size(); k++) {
      int x = LABELS + k % columns * (PANEL + GAP);
      int y = TOP + k / columns * panelHeight;
      panel(kinds.get(k), intervals, x, y, k % columns == 0);
    }
    line("</svg>");
    return svg.toString();
  }

  private String legend() {
    return metric
        + (results.higherIsBetter(metric) ? ", higher is better" : ", lower is better")
        + ". Dot: mean; line: 95 % over cases; ticks: each seed."
        + (results.missing().isEmpty() ? "" : " Not complete.");
  }

  private String description() {
    List<String> parts = new ArrayList<>();
    for (String name : results.names()) {
      results
          .of(name, metric, StudyResults.ALL)
          .ifPresent(
              i ->
                  parts.add(
                      String.format(
                          Locale.ROOT,
                          "%s %.3f (%.3f to %.3f)",
                          name,
                          i.mean(),
                          i.low(),
                          i.high())));
    }
    return metric + " over all cases: " + String.join(", ", parts) + ".";
  }

  private void cover(Interval interval) {
    low = Math.min(low, interval.low());
    high = Math.max(high, interval.high());
    for (double seed : interval.seeds()) {
      low = Math.min(low, seed);
      high = Math.max(high, seed);
    }
  }

  /** Rounds the range to tick marks. */
  private void scale() {
    if (!(high >= low)) {
      low = 0;
      high = 1;
    }
    double span = Math.max(high - low, 1e-6);
    double power = Math.pow(10, Math.floor(Math.log10(span / 5)));
    double ratio = span / 5 / power;
    step = power * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 5 ? 5 : 10);
    low = step * Math.floor(low / step);
    high = step * Math.ceil(high / step);
    high = high > low ? high : low + step;
  }

  private double place(double value, int x) {
    return x + (value - low) / (high - low) * PANEL;
  }

  private void panel(
      String kind, Map<String, Optional<Interval>> intervals, int x, int y, boolean labeled) {
    int top = y + HEADING;
    int bottom = top + ROW * results.names().size();
    text(x, y + 17, 13, INK, "start", "bold", kind);
    for (int mark = 0; low + mark * step <= high + step / 2; mark++) {
      double value = low + mark * step;
      double at = place(value, x);
      stroke(at, top, at, bottom, GRID, 1);
      int digits = (int) Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
      text(
          at,
          bottom + 14,
          10,
          FAINT,
          "middle",
          "normal",
          String.format(Locale.ROOT, "%." + digits + "f", value));
    }
    for (int row = 0; row < results.names().size(); row++) {
      String name = results.names().get(row);
      double at = top + ROW * (row + 0.5);
      if (labeled) {
        text(LABELS - 10, at + 4, 12, INK, "end", "normal", name);
      }
      Optional<Interval> interval = intervals.get(kind + "/" + name);
      if (interval.isPresent()) {
        mark(interval.get(), x, at, results.file().methods().contains(name));
      } else {
        text(
            x + 4,
            at + 4,
            10,
            FAINT,
            "start",
            "normal",
            isMeasured(name) ? "cannot draw these" : "missing");
      }
    }
  }

  private boolean isMeasured(String name) {
    return results.measured().stream().anyMatch(one -> one.method().equals(name));
  }

  private void mark(Interval interval, int x, double y, boolean untrained) {
    String color = untrained ? UNTRAINED : TRAINED;
    stroke(place(interval.low(), x), y, place(interval.high(), x), y, color, 2);
    if (interval.seeds().length > 1) {
      for (double seed : interval.seeds()) {
        stroke(place(seed, x), y - 6, place(seed, x), y + 6, color, 1);
      }
    }
    line(
        String.format(
            Locale.ROOT,
            "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" class=\"%s\"/>",
            place(interval.mean(), x),
            y,
            color));
  }

  private void stroke(double x0, double y0, double x1, double y1, String color, int thickness) {
    line(
        String.format(
            Locale.ROOT,
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\""
                + " stroke-width=\"%d\"/>",
            x0,
            y0,
            x1,
            y1,
            color,
            thickness));
  }

  private void text(
      double x, double y, int size, String color, String anchor, String weight, String text) {
    line(
        String.format(
            Locale.ROOT,
            "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" class=\"%s\" text-anchor=\"%s\""
                + " font-weight=\"%s\">%s</text>",
            x,
            y,
            size,
            color,
            anchor,
            weight,
            escaped(text)));
  }

  private void line(String element) {
    svg.append(element).append('\n');
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
