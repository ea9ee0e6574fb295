package nacre.evaluation.report;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditCases;
import nacre.evaluation.run.EvaluationFolder;
import nacre.evaluation.study.Measured;
import nacre.evaluation.study.StudyFile;
import nacre.evaluation.study.StudyPlot;
import nacre.evaluation.study.StudyResults;
import nacre.neuralassets.training.RunLength;
import nacre.weights.AtomicFile;

/**
 * The report of a study: one HTML page with its tables and plots, and with pictures of the first
 * case of each kind as every method drew them. It has no scripts, and needs nothing beside it.
 *
 * @param results so far
 * @param parts the cases, in the order in which they are measured
 * @param settings versions and settings, in the order in which they are listed
 */
public record StudyReport(StudyResults results, List<Part> parts, Map<String, String> settings) {
  /**
   * Some of the cases.
   *
   * @param shown the numbers of those that have pictures in the report
   * @param folder of what was drawn of them
   */
  public record Part(EditCases cases, List<Integer> shown, EvaluationFolder folder) {}

  /**
   * Writes the page, whole or not at all.
   *
   * @throws IOException in one line, if it cannot be written, or a case cannot be read
   */
  public void write(Path file) throws IOException {
    byte[] page = html().getBytes(UTF_8);
    AtomicFile.write(file, out -> out.write(page));
  }

  /** The page. */
  public String html() throws IOException {
    Map<String, String> sections = new LinkedHashMap<>();
    sections.put("results", "Results");
    if (!results.file().comparisons().isEmpty()) {
      sections.put("comparisons", "Comparisons");
    }
    sections.put("plots", "Plots");
    sections.put("cases", "Cases");
    sections.put("made", "How it was made");
    Html html = new Html();
    html.add("%s", new StudyReportTables(results).all());
    plots(html);
    cases(html);
    made(html);
    return new Page(results.file().title(), lead(), sections).around(html);
  }

  private Html lead() {
    List<String> what = new ArrayList<>();
    parts.forEach(part -> what.add(part.cases.describe()));
    Html lead = new Html().add("%s.", String.join("; ", what));
    if (!results.missing().isEmpty()) {
      lead.add(
          " <strong>Not complete.</strong> Missing: %s.", String.join("; ", results.missing()));
    }
    return lead;
  }

  private void plots(Html html) {
    html.add("<h2 id=\"plots\">Plots</h2>\n");
    html.add("<p>A dot is a mean, its line the 95 % interval over cases; ticks are seeds.</p>\n");
    for (String metric : results.metrics()) {
      html.add("<h3>%s</h3>\n", metric);
      byte[] svg = StudyPlot.svg(results, metric).getBytes(UTF_8);
      html.add(
          "<img class=\"plot\" alt=\"%s\" src=\"data:image/svg+xml;base64,%s\">\n",
          StudyPlot.description(results, metric), Base64.getEncoder().encodeToString(svg));
    }
  }

  private void cases(Html html) throws IOException {
    html.add("<h2 id=\"cases\">Cases</h2>\n");
    html.add(
        "<p>The first case of each kind, as each method drew it with its first seed; nothing was"
            + " chosen by its looks.</p>\n");
    int before = 0;
    for (Part part : parts) {
      for (int number : part.shown) {
        Optional<EditCase> one = part.cases.get(number);
        if (one.isPresent()) {
          html.add("%s", pictures(part, number, before + number, one.get()));
        }
      }
      before += part.cases.size();
    }
  }

  /**
   * A case as all drew it.
   *
   * @param number among those of the part
   * @param among all that is measured
   */
  private Html pictures(Part part, int number, int among, EditCase one) throws IOException {
    CasePictures pictures = new CasePictures(one);
    for (String name : results.names()) {
      Optional<Measured> first = first(name);
      if (first.isEmpty()) {
        pictures.none(name, "not measured yet");
        continue;
      }
      Measured by = first.get();
      Optional<byte[]> drawn =
          part.folder.picture(
              by.method(), by.model(), part.cases.digest(), by.seed(), number, one.size());
      if (drawn.isPresent()) {
        pictures.drawn(name, drawn.get(), values(by, among));
      } else {
        pictures.none(name, "no picture");
      }
    }
    return pictures.all();
  }

  private Optional<Measured> first(String name) {
    return results.measured().stream().filter(one -> one.method().equals(name)).findFirst();
  }

  private static Html values(Measured by, int number) {
    Html text = new Html();
    for (Measured.Column column : by.columns()) {
      double value = column.values()[number];
      text.add("<br>%s %s", column.metric(), Numbers.like(value).of(value));
    }
    return text;
  }

  private void made(Html html) {
    StudyFile file = results.file();
    html.add("<h2 id=\"made\">How it was made</h2>\n<dl>\n");
    String budget =
        switch (file.length()) {
          case RunLength.Steps(long steps) -> String.format(Locale.ROOT, "%,d steps", steps);
          case RunLength.Minutes(double minutes) -> minutes + " minutes";
        };
    html.add("<dt>Budget of every run</dt><dd>%s</dd>\n", budget);
    settings.forEach((key, value) -> html.add("<dt>%s</dt><dd>%s</dd>\n", key, value));
    for (Measured one : results.measured()) {
      html.add("<dt>%s, seed %s</dt>", one.method(), one.seed());
      html.add("<dd>%s steps, digest %s</dd>\n", one.steps(), one.model());
    }
    for (Part part : parts) {
      html.add("<dt>%s</dt><dd>digest %s</dd>\n", part.cases.describe(), part.cases.digest());
    }
    html.add("</dl>\n");
  }
}
