package nacre.evaluation.study;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import nacre.neuralassets.training.RunLength;

/** The results of a study as a page of Markdown, and as JSON. */
public final class StudyTable {
  private static final String NOTHING = "—";

  private StudyTable() {}

  /** The page: a table for each metric, then the comparisons. */
  public static String markdown(StudyResults results) {
    StudyFile file = results.file();
    List<String> lines = new ArrayList<>();
    lines.add("# " + file.title());
    lines.add("");
    lines.add(
        String.format(
            Locale.ROOT,
            "%d cases of the benchmark of edits%s. A cell is the mean over cases and seeds ± its"
                + " standard error over seeds; a method that cannot draw all cases has"
                + " the number of those that it can behind it, in brackets.",
            file.cases(),
            file.variants().isEmpty() ? "" : "; " + training(file)));
    if (!results.missing().isEmpty()) {
      lines.add("");
      lines.add("**Not complete.** Missing: " + String.join("; ", results.missing()) + ".");
    }
    for (String metric : results.metrics()) {
      lines.add("");
      lines.add("## " + metric + (results.higherIsBetter(metric) ? "" : " (lower is better)"));
      lines.add("");
      lines.add(row("", results.kinds()));
      lines.add(row("---", results.kinds().stream().map(_ -> "---:").toList()));
      for (String name : results.names()) {
        lines.add(
            row(
                name,
                results.kinds().stream()
                    .map(kind -> cell(results.of(name, metric, kind), results.cases(kind)))
                    .toList()));
      }
    }
    if (!file.comparisons().isEmpty()) {
      comparisons(results, lines);
    }
    return String.join("\n", lines) + "\n";
  }

  private static String training(StudyFile file) {
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

  private static void comparisons(StudyResults results, List<String> lines) {
    lines.add("");
    lines.add("## Comparisons");
    lines.add("");
    lines.add(
        "By how much the first is ahead of the second, over all cases that both can draw: the mean"
            + " of the differences case by case and seed by seed, its 95 % interval by a paired"
            + " bootstrap over cases, its standard error over seeds, and each seed's own. Above 0"
            + " the first is better.");
    lines.add("");
    lines.add(
        row("first", List.of("second", "metric", "ahead by", "95 %", "± seeds", "each seed")));
    lines.add(row("---", List.of("---", "---", "---:", "---:", "---:", "---:")));
    for (StudyFile.Comparison comparison : results.file().comparisons()) {
      for (String metric : results.metrics()) {
        List<String> cells = new ArrayList<>(List.of(comparison.second(), metric));
        cells.addAll(
            results
                .difference(comparison, metric, StudyResults.ALL)
                .map(d -> results.higherIsBetter(metric) ? d : d.negated())
                .map(StudyTable::difference)
                .orElse(List.of(NOTHING, NOTHING, NOTHING, NOTHING)));
        lines.add(row(comparison.first(), cells));
      }
    }
    for (String metric : results.metrics()) {
      byKind(results, metric, lines);
    }
  }

  private static void byKind(StudyResults results, String metric, List<String> lines) {
    lines.add("");
    lines.add("### " + metric + " by kind of edit");
    lines.add("");
    lines.add(row("ahead by (95 %)", results.kinds()));
    lines.add(row("---", results.kinds().stream().map(_ -> "---:").toList()));
    for (StudyFile.Comparison comparison : results.file().comparisons()) {
      List<String> cells = new ArrayList<>();
      for (String kind : results.kinds()) {
        cells.add(
            results
                .difference(comparison, metric, kind)
                .filter(d -> d.cases() > 0)
                .map(d -> results.higherIsBetter(metric) ? d : d.negated())
                .map(d -> strong(d) + " (" + range(d) + ")")
                .orElse(NOTHING));
      }
      lines.add(row(comparison.first() + " − " + comparison.second(), cells));
    }
  }

  private static String strong(Interval d) {
    String mean = number(d.mean(), "%+.3f");
    return d.isSure() ? "**" + mean + "**" : mean;
  }

  private static String range(Interval d) {
    return number(d.low(), "%+.3f") + " to " + number(d.high(), "%+.3f");
  }

  private static List<String> difference(Interval d) {
    List<String> seeds = new ArrayList<>();
    for (double seed : d.seeds()) {
      seeds.add(number(seed, "%+.3f"));
    }
    return List.of(
        strong(d), range(d), number(d.standardError(), "%.3f"), String.join(", ", seeds));
  }

  private static String cell(Optional<Interval> interval, int cases) {
    if (interval.isEmpty() || interval.get().cases() == 0) {
      return NOTHING;
    }
    double error = interval.get().standardError();
    String mean = number(interval.get().mean(), "%.3f");
    String some = interval.get().cases() < cases ? " (" + interval.get().cases() + ")" : "";
    return (Double.isFinite(error) ? mean + " ± " + number(error, "%.3f") : mean) + some;
  }

  private static String number(double value, String format) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, format, value) : NOTHING;
  }

  private static String row(String first, List<String> cells) {
    return "| " + first + " | " + String.join(" | ", cells) + " |";
  }

  /** The same numbers, and those that no table has room for. */
  public static ObjectNode json(StudyResults results) {
    ObjectNode root = new JsonMapper().createObjectNode();
    root.put("title", results.file().title()).put("cases", results.file().cases());
    switch (results.file().length()) {
      case RunLength.Steps(long steps) -> root.put("steps", steps);
      case RunLength.Minutes(double minutes) -> root.put("minutes", minutes);
    }
    results.file().seeds().forEach(root.putArray("seeds")::add);
    results.missing().forEach(root.putArray("missing")::add);
    ArrayNode means = root.putArray("means");
    for (String metric : results.metrics()) {
      for (String name : results.names()) {
        for (String kind : results.kinds()) {
          results
              .of(name, metric, kind)
              .ifPresent(
                  interval ->
                      put(
                          means
                              .addObject()
                              .put("method", name)
                              .put("metric", metric)
                              .put("kind", kind),
                          interval));
        }
      }
    }
    ArrayNode differences = root.putArray("differences");
    for (StudyFile.Comparison comparison : results.file().comparisons()) {
      for (String metric : results.metrics()) {
        for (String kind : results.kinds()) {
          results
              .difference(comparison, metric, kind)
              .ifPresent(
                  interval ->
                      put(
                          differences
                              .addObject()
                              .put("first", comparison.first())
                              .put("second", comparison.second())
                              .put("metric", metric)
                              .put("kind", kind),
                          interval));
        }
      }
    }
    return root;
  }

  private static void put(ObjectNode node, Interval interval) {
    put(node, "mean", interval.mean());
    node.put("cases", interval.cases());
    put(node, "low", interval.low());
    put(node, "high", interval.high());
    put(node, "standard_error", interval.standardError());
    ArrayNode seeds = node.putArray("by_seed");
    for (double seed : interval.seeds()) {
      seeds.add(seed);
    }
  }

  private static void put(ObjectNode node, String key, double value) {
    if (Double.isFinite(value)) {
      node.put(key, value);
    } else {
      node.putNull(key);
    }
  }
}
