package nacre.evaluation.report;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import nacre.evaluation.EditCases;
import nacre.evaluation.run.Contender;
import nacre.evaluation.run.EvaluationFolder;
import nacre.evaluation.run.EvaluationResults;
import nacre.evaluation.run.EvaluationResults.Method;
import nacre.weights.AtomicFile;

/**
 * The report of an evaluation: one HTML page with tables, plots and pictures, all of which are in
 * it. It has no scripts, and whatever users named is escaped.
 *
 * @param results what came out
 * @param cases that were drawn
 * @param contenders as many as there are methods in the results, in their order
 * @param folder that has the pictures
 * @param command that made it
 * @param settings versions and settings, in the order in which they are listed
 */
public record HtmlReport(
    EvaluationResults results,
    EditCases cases,
    List<Contender> contenders,
    EvaluationFolder folder,
    String command,
    Map<String, String> settings) {

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
    if (results.kinds().size() > 1) {
      sections.put("kinds", "By kind of edit");
    }
    sections.put("plots", "Spread");
    sections.put("worst", "Worst cases");
    sections.put("best", "Best cases");
    sections.put("made", "How it was made");
    Html lead =
        new Html()
            .add(
                "%s; %s. Measured are pictures of 256 levels against the true ones.",
                cases.describe(), methods());
    Html html = new Html();
    html.add("%s%s", new ReportTables(results).all(), new ReportPlots(results).all());
    html.add("%s", new ReportCases(results, cases, contenders, folder).all());
    made(html);
    String title = "Evaluation of " + results.methods().getFirst().name();
    return new Page(title, lead, sections).around(html);
  }

  private String methods() {
    int most = results.methods().stream().mapToInt(m -> m.seeds().size()).max().orElse(0);
    return String.format(
        Locale.ROOT,
        "%d %s, %d %s",
        results.methods().size(),
        results.methods().size() == 1 ? "method" : "methods",
        most,
        most == 1 ? "seed" : "seeds");
  }

  private void made(Html html) {
    html.add("<h2 id=\"made\">How it was made</h2>\n<pre><code>%s</code></pre>\n<dl>\n", command);
    settings.forEach((key, value) -> html.add("<dt>%s</dt><dd>%s</dd>\n", key, value));
    for (int i = 0; i < contenders.size(); i++) {
      Method method = results.methods().get(i);
      html.add("<dt>%s</dt><dd>", method.name());
      html.add("digest %s", contenders.get(i).digest());
      html.add(
          "<br>%s pictures drawn a second, %s measured",
          rate(method.work().drawnPerSecond()), rate(method.work().measuredPerSecond()));
      long refused = method.seeds().getFirst().refused();
      if (refused > 0) {
        html.add("<br>%s cases that it cannot draw", refused);
      }
      html.add("</dd>\n");
    }
    html.add("<dt>Cases</dt><dd>digest %s</dd>\n</dl>\n", cases.digest());
  }

  private static String rate(double rate) {
    return Double.isFinite(rate) ? String.format(Locale.ROOT, "%.1f", rate) : "none";
  }
}
