package nacre.evaluation.study;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import nacre.evaluation.PairCases;
import nacre.neuralassets.training.RunLength;

/** The results of a study as a page of Markdown: a table for each metric, then the comparisons. */
public final class StudyTable {
  private static final String NOTHING = "—";

  private final StudyResults results;
  private final StudyFile file;
  private final List<String> lines = new ArrayList<>();

  private StudyTable(StudyResults results) {
    this.results = results;
    this.file = results.file();
  }

  /** The page. */
  public static String markdown(StudyResults results) {
    StudyTable table = new StudyTable(results);
    table.head();
    for (String metric : results.metrics()) {
      table.means(metric);
    }
    if (!results.file().comparisons().isEmpty()) {
      table.comparisons();
      for (String metric : results.metrics()) {
        table.byKind(metric);
      }
    }
    return String.join("\n", table.lines) + "\n";
  }

  private void head() {
    lines.add("# " + file.title());
    paragraph(
        String.format(
            Locale.ROOT,
            "%d cases of the benchmark of edits%s. A cell is the mean over cases and seeds ± its"
                + " standard error over seeds; a method that cannot draw all cases has the number"
                + " of those that it can behind it, in brackets.",
            file.cases(),
            file.variants().isEmpty() ? "" : "; " + training()));
    if (file.pairs() > 0) {
      paragraph(
          String.format(
              Locale.ROOT,
              "Beside them, in the column %s, %d pairs of frames of held-out scenes, between which"
                  + " camera and objects move; they are no part of %s.",
              PairCases.KIND,
              file.pairs(),
              StudyResults.ALL));
    }
    if (!results.missing().isEmpty()) {
      paragraph("**Not complete.** Missing: " + String.join("; ", results.missing()) + ".");
    }
  }

  private String training() {
    String length =
        switch (file.length()) {
          case RunLength.Steps(long steps) -> String.format(Locale.ROOT, "%,d steps", steps);
          case RunLength.Minutes(double minutes) -> minutes + " minutes";
        };
    return String.format(
        Locale.ROOT,
        "every variant trained for %s with seeds %s",
        length,
        String.join(", ", file.seeds().stream().map(String::valueOf).toList()));
  }

  private void means(String metric) {
    paragraph("## " + metric + (results.higherIsBetter(metric) ? "" : " (lower is better)"));
    heading("", results.kinds());
    for (String name : results.names()) {
      List<String> cells = new ArrayList<>();
      for (String kind : results.kinds()) {
        cells.add(mean(metric, results.of(name, metric, kind), results.cases(kind)));
      }
      row(name, cells);
    }
  }

  private String mean(String metric, Optional<Interval> interval, int cases) {
    if (interval.isEmpty()) {
      return NOTHING;
    }
    double error = interval.get().standardError();
    String mean = number(metric, interval.get().mean(), false);
    String some = interval.get().cases() < cases ? " (" + interval.get().cases() + ")" : "";
    return mean + (Double.isFinite(error) ? " ± " + number(metric, error, false) : "") + some;
  }

  private void comparisons() {
    paragraph("## Comparisons");
    paragraph(
        "By how much the first is ahead of the second, over all edits that both can draw: the mean"
            + " of the differences case by case and seed by seed, its 95 % interval by a paired"
            + " bootstrap over cases (BCa), its standard error over seeds, and each seed's own."
            + " Above 0 the first is better; where the interval excludes 0 and every seed agrees,"
            + " it is in bold type.");
    lines.add("");
    row("first", List.of("second", "metric", "ahead by", "95 %", "± seeds", "each seed"));
    row("---", List.of("---", "---", "---:", "---:", "---:", "---:"));
    for (StudyFile.Comparison comparison : file.comparisons()) {
      for (String metric : results.metrics()) {
        List<String> cells = new ArrayList<>(List.of(comparison.second(), metric));
        cells.addAll(
            results
                .ahead(comparison, metric, StudyResults.ALL)
                .map(d -> difference(metric, d))
                .orElse(List.of(NOTHING, NOTHING, NOTHING, NOTHING)));
        row(comparison.first(), cells);
      }
    }
  }

  private List<String> difference(String metric, Interval d) {
    List<String> seeds = new ArrayList<>();
    for (double seed : d.seeds()) {
      seeds.add(number(metric, seed, true));
    }
    return List.of(
        strong(metric, d),
        range(metric, d),
        number(metric, d.standardError(), false),
        String.join(", ", seeds));
  }

  private void byKind(String metric) {
    paragraph("### " + metric + " by kind of edit");
    heading("ahead by (95 %)", results.kinds());
    for (StudyFile.Comparison comparison : file.comparisons()) {
      List<String> cells = new ArrayList<>();
      for (String kind : results.kinds()) {
        cells.add(
            results
                .ahead(comparison, metric, kind)
                .map(d -> strong(metric, d) + " (" + range(metric, d) + ")")
                .orElse(NOTHING));
      }
      row(comparison.first() + " − " + comparison.second(), cells);
    }
  }

  private String strong(String metric, Interval d) {
    String mean = number(metric, d.mean(), true);
    return d.isSure() ? "**" + mean + "**" : mean;
  }

  private String range(String metric, Interval d) {
    return number(metric, d.low(), true) + " to " + number(metric, d.high(), true);
  }

  /** With two digits, as dB have them; with three where the values of a metric are small. */
  private String number(String metric, double value, boolean signed) {
    String digits = results.isLarge(metric) ? ".2f" : ".3f";
    return Double.isFinite(value)
        ? String.format(Locale.ROOT, (signed ? "%+" : "%") + digits, value)
        : NOTHING;
  }

  private void paragraph(String text) {
    lines.add("");
    lines.add(text);
  }

  private void heading(String first, List<String> cells) {
    lines.add("");
    row(first, cells);
    row("---", cells.stream().map(_ -> "---:").toList());
  }

  private void row(String first, List<String> cells) {
    lines.add("| " + first + " | " + String.join(" | ", cells) + " |");
  }
}
