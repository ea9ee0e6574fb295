package nacre.evaluation.report;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditCases;
import nacre.evaluation.run.CaseValues;
import nacre.evaluation.run.Contender;
import nacre.evaluation.run.EvaluationFolder;
import nacre.evaluation.run.EvaluationResults;
import nacre.evaluation.run.EvaluationResults.Column;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.scene.PngFile;
import nacre.neuralassets.scene.Vec3;

/** The best and the worst cases of a report, with their pictures. */
record ReportCases(
    EvaluationResults results,
    EditCases cases,
    List<Contender> contenders,
    EvaluationFolder folder) {
  /** Of the best, and of the worst. */
  private static final int SHOWN = 6;

  Html all() throws IOException {
    Column metric = results.metrics().getFirst();
    double[] values = results.values(results.methods().getFirst(), metric)[0];
    Comparator<Integer> worse = Comparator.comparingDouble(i -> values[i]);
    List<Integer> sorted =
        IntStream.range(0, values.length)
            .filter(i -> !Double.isNaN(values[i]))
            .boxed()
            .sorted(metric.higherIsBetter() ? worse : worse.reversed())
            .toList();
    int shown = Math.min(SHOWN, sorted.size() / 2);
    Html html = new Html();
    show(html, "worst", "Worst", sorted.subList(0, shown));
    show(html, "best", "Best", sorted.subList(sorted.size() - shown, sorted.size()).reversed());
    return html;
  }

  private void show(Html html, String id, String heading, List<Integer> numbers)
      throws IOException {
    html.add(
        "<h2 id=\"%s\">%s cases</h2>\n<p>By %s of %s, seed %s.</p>\n",
        id,
        heading,
        results.metrics().getFirst().name(),
        results.methods().getFirst().name(),
        results.methods().getFirst().seeds().getFirst().seed());
    for (int number : numbers) {
      Optional<EditCase> one = cases.get(number);
      if (one.isPresent()) {
        show(html, number, one.get());
      }
    }
  }

  private void show(Html html, int number, EditCase one) throws IOException {
    html.add("<section class=\"case\"><h3>%s</h3>\n", one.id());
    html.add("<p class=\"soft\">%s</p>\n<div class=\"pictures\">\n", told(one));
    picture(html, one, one.view().clip().rgb(one.view().source()), "source", "Source", "");
    picture(html, one, one.truth(), "truth", "Truth", "");
    for (int i = 0; i < contenders.size(); i++) {
      EvaluationResults.Method method = results.methods().get(i);
      long seed = method.seeds().getFirst().seed();
      CaseValues values = method.seeds().getFirst().values().get(number);
      Optional<byte[]> drawn = folder.picture(contenders.get(i), cases, seed, number, one.size());
      if (drawn.isPresent()) {
        picture(html, one, drawn.get(), "drawn by " + method.name(), method.name(), values(values));
      } else {
        html.add(
            "<figure><figcaption>%s: %s</figcaption></figure>\n",
            method.name(),
            values == null || values.refusal() == null ? "no picture" : values.refusal());
      }
    }
    html.add("</div></section>\n");
  }

  private static String told(EditCase one) {
    if (one.edits().isEmpty()) {
      return String.format(
          Locale.ROOT,
          "%s, frame %d to frame %d",
          one.kind(),
          one.view().source(),
          one.view().target());
    }
    return one.edits().stream().map(ReportCases::told).collect(Collectors.joining("; "));
  }

  /** An edit as the command line takes it, with two digits. */
  private static String told(Edit edit) {
    return switch (edit) {
      case Edit.Translate(String object, Vec3 by) ->
          String.format(Locale.ROOT, "translate %s %.2f %.2f %.2f", object, by.x(), by.y(), by.z());
      case Edit.Rotate(String object, double degrees, Vec3 axis) ->
          String.format(Locale.ROOT, "rotate %s %.0f", object, degrees)
              + (axis == null
                  ? ""
                  : String.format(Locale.ROOT, " %.2f %.2f %.2f", axis.x(), axis.y(), axis.z()));
      case Edit.Resize(String object, double factor) ->
          String.format(Locale.ROOT, "resize %s %.2f", object, factor);
      case Edit.Remove(String object) -> "remove " + object;
      case Edit.Replace(String object, Edit.Donor by) ->
          "replace " + object + " " + by.scene() + ":" + by.object();
      case Edit.Background(String scene) -> "background " + scene;
    };
  }

  private String values(CaseValues values) {
    Html text = new Html();
    for (Column metric : results.metrics()) {
      double value = values.values().getOrDefault(metric.name(), Double.NaN);
      text.add("<br>%s %s", metric.name(), Numbers.like(value).of(value));
    }
    return text.toString();
  }

  private static void picture(
      Html html, EditCase one, byte[] rgb, String what, String caption, String markup)
      throws IOException {
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    ImageIO.write(PngFile.image(rgb, one.size(), one.size()), "png", png);
    html.add(
        "<figure><img width=\"%s\" height=\"%s\" alt=\"%s, %s\" src=\"data:image/png;base64,%s\">",
        one.size(),
        one.size(),
        one.id(),
        what,
        Base64.getEncoder().encodeToString(png.toByteArray()));
    html.add("<figcaption>%s", caption).add(markup).add("</figcaption></figure>\n");
  }
}
