package nacre.evaluation.report;

import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditCases;
import nacre.evaluation.run.CaseValues;
import nacre.evaluation.run.Contender;
import nacre.evaluation.run.EvaluationFolder;
import nacre.evaluation.run.EvaluationResults;
import nacre.evaluation.run.EvaluationResults.Column;

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
    CasePictures pictures = new CasePictures(one);
    for (int i = 0; i < contenders.size(); i++) {
      EvaluationResults.Method method = results.methods().get(i);
      long seed = method.seeds().getFirst().seed();
      CaseValues values = method.seeds().getFirst().values().get(number);
      Optional<byte[]> drawn = folder.picture(contenders.get(i), cases, seed, number, one.size());
      if (drawn.isPresent()) {
        pictures.drawn(method.name(), drawn.get(), values(values));
      } else {
        boolean refused = values != null && values.refusal() != null;
        pictures.none(method.name(), refused ? values.refusal() : "no picture");
      }
    }
    html.add("%s", pictures.all());
  }

  private Html values(CaseValues values) {
    Html text = new Html();
    for (Column metric : results.metrics()) {
      double value = values.values().getOrDefault(metric.key(), Double.NaN);
      text.add("<br>%s %s", metric.name(), Numbers.like(value).of(value));
    }
    return text;
  }
}
