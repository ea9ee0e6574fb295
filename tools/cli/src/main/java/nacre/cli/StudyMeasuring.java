package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import nacre.cli.output.Progress;
import nacre.evaluation.EditCases;
import nacre.evaluation.metric.Psnr;
import nacre.evaluation.metric.Ssim;
import nacre.evaluation.report.StudyReport;
import nacre.evaluation.run.CaseMetric;
import nacre.evaluation.run.Contender;
import nacre.evaluation.run.EvaluationFolder;
import nacre.evaluation.run.Evaluator;
import nacre.evaluation.run.MethodValues;
import nacre.evaluation.study.Measured;
import nacre.tensor.Memory;

/**
 * The measuring of methods on the cases of a study.
 *
 * @param parts what is drawn, edits and pairs, one after the other
 */
record StudyMeasuring(List<Part> parts, PrintStream out) {
  private static final List<CaseMetric> METRICS =
      List.of(
          CaseMetric.psnrInBoxes(),
          CaseMetric.ssimInBoxes(),
          CaseMetric.ofImages(new Psnr()),
          CaseMetric.ofImages(new Ssim(Ssim.Variant.TORCHMETRICS)));

  /**
   * Some of the cases.
   *
   * @param shown so many of the first have pictures in the report
   * @param folder of pictures and values, which are not made again
   */
  record Part(EditCases cases, int shown, Path folder) {}

  /** What the report shows pictures of: the first case of each kind. */
  List<StudyReport.Part> shown() {
    return parts.stream()
        .map(
            part -> {
              int shown = Math.min(part.cases.size(), part.shown);
              return new StudyReport.Part(
                  part.cases,
                  IntStream.range(0, shown).boxed().toList(),
                  new EvaluationFolder(part.folder));
            })
        .toList();
  }

  /** The digest of all cases. */
  String digest() {
    return parts.stream().map(part -> part.cases.digest()).collect(Collectors.joining("+"));
  }

  /** The names of what is measured. */
  static List<String> names() {
    return METRICS.stream().map(CaseMetric::name).toList();
  }

  /**
   * Draws every case and compares it with the truth. Cases that the method cannot carry out have no
   * values.
   *
   * @param steps of the method's training
   * @param eachStep called now and then; what it throws ends the measuring, which goes on there
   *     when it is called again
   */
  Measured measure(Contender contender, long seed, long steps, Runnable eachStep)
      throws IOException {
    List<MethodValues> values = new ArrayList<>();
    for (Part part : parts) {
      values.add(drawn(part, contender, seed, eachStep));
    }
    List<Measured.Column> columns =
        METRICS.stream()
            .map(
                metric ->
                    new Measured.Column(
                        metric.name(), metric.higherIsBetter(), all(values, metric.key())))
            .toList();
    return new Measured(contender.name(), seed, steps, contender.digest(), digest(), columns);
  }

  private double[] all(List<MethodValues> values, String metric) {
    return IntStream.range(0, parts.size())
        .boxed()
        .flatMapToDouble(k -> Arrays.stream(values.get(k).of(metric, parts.get(k).cases.size())))
        .toArray();
  }

  private MethodValues drawn(Part part, Contender contender, long seed, Runnable eachStep)
      throws IOException {
    var limit = new Progress.Limit.Steps(part.cases.size(), "picture");
    try (Progress progress = Progress.start(out, limit, 0, Memory::liveBytes)) {
      Evaluator.Progress told =
          new Evaluator.Progress() {
            @Override
            public void done(int done, int drawn) {
              progress.step(done, drawn);
            }

            @Override
            public void eachStep() {
              eachStep.run();
            }
          };
      EvaluationFolder folder = new EvaluationFolder(part.folder);
      return new Evaluator(part.cases, METRICS, folder, true, told).run(contender, seed);
    }
  }
}
