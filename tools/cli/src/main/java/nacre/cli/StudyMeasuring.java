package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import nacre.cli.output.Progress;
import nacre.evaluation.EditCases;
import nacre.evaluation.metric.Psnr;
import nacre.evaluation.metric.Ssim;
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
 * @param cases of the benchmark
 * @param folder of pictures and values, which are not made again
 */
record StudyMeasuring(EditCases cases, Path folder, PrintStream out) {
  private static final List<CaseMetric> METRICS =
      List.of(
          CaseMetric.psnrInBoxes(),
          CaseMetric.ssimInBoxes(),
          CaseMetric.ofImages(new Psnr()),
          CaseMetric.ofImages(new Ssim(Ssim.Variant.TORCHMETRICS)));

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
    var limit = new Progress.Limit.Steps(cases.size(), "picture");
    MethodValues values;
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
      EvaluationFolder drawn = new EvaluationFolder(folder);
      values = new Evaluator(cases, METRICS, drawn, true, told).run(contender, seed);
    }
    List<Measured.Column> columns =
        METRICS.stream()
            .map(
                metric ->
                    new Measured.Column(
                        metric.name(),
                        metric.higherIsBetter(),
                        values.of(metric.name(), cases.size())))
            .toList();
    return new Measured(contender.name(), seed, steps, cases.digest(), columns);
  }
}
