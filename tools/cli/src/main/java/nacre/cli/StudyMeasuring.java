package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import nacre.cli.output.Progress;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditingMethod;
import nacre.evaluation.benchmark.EditBenchmark;
import nacre.evaluation.metric.Metric;
import nacre.evaluation.metric.Psnr;
import nacre.evaluation.metric.Ssim;
import nacre.evaluation.study.Measured;
import nacre.neuralassets.data.BoxMask;
import nacre.neuralassets.edit.EditException;
import nacre.neuralassets.evaluation.Similarity;
import nacre.tensor.Memory;

/**
 * The measuring of methods on the cases of a study.
 *
 * @param cases of the benchmark
 * @param digest of them
 */
record StudyMeasuring(List<EditCase> cases, String digest, PrintStream out) {
  private static final String PSNR = "PSNR in the boxes";
  private static final String SSIM = "SSIM in the boxes";

  /** Of whole pictures. */
  private static final List<Metric> METRICS =
      List.of(new Psnr(), new Ssim(Ssim.Variant.TORCHMETRICS));

  StudyMeasuring(List<EditCase> cases, PrintStream out) {
    this(cases, EditBenchmark.digest(cases), out);
  }

  /**
   * Draws every case and compares it with the truth. Cases that the method cannot carry out have no
   * values.
   *
   * @param steps of the method's training
   * @param batch cases drawn at a time
   * @param eachStep called now and then; what it throws ends the measuring
   */
  Measured measure(
      String name, EditingMethod method, long seed, long steps, int batch, Runnable eachStep)
      throws IOException {
    int count = cases.size();
    double[][] values = new double[names().size()][count];
    for (double[] metric : values) {
      Arrays.fill(metric, Double.NaN);
    }
    var limit = new Progress.Limit.Steps(count, "picture");
    try (Progress progress = Progress.start(out, limit, 0, Memory::liveBytes)) {
      for (int from = 0; from < count; from += batch) {
        int to = Math.min(count, from + batch);
        draw(method, from, to, seed, eachStep, values);
        progress.step(to, to - from);
      }
    }
    List<Measured.Column> columns = new ArrayList<>();
    for (int k = 0; k < values.length; k++) {
      boolean higher = k < 2 || METRICS.get(k - 2).higherIsBetter();
      columns.add(new Measured.Column(names().get(k), higher, values[k]));
    }
    return new Measured(name, seed, steps, digest, columns);
  }

  /** The names of what is measured. */
  static List<String> names() {
    return Stream.concat(Stream.of(PSNR, SSIM), METRICS.stream().map(Metric::name)).toList();
  }

  /** Draws some cases; where one of them cannot be carried out, each half of them. */
  private void draw(
      EditingMethod method, int from, int to, long seed, Runnable eachStep, double[][] values)
      throws IOException {
    List<EditCase> some = cases.subList(from, to);
    float[] drawn;
    try {
      drawn = method.draw(some, from, seed, eachStep);
    } catch (EditException e) {
      if (to - from > 1) {
        int middle = (from + to) >>> 1;
        draw(method, from, middle, seed, eachStep, values);
        draw(method, middle, to, seed, eachStep, values);
      }
      return;
    }
    compare(drawn, some, from, values);
  }

  private static void compare(float[] drawn, List<EditCase> some, int from, double[][] values) {
    int size = some.getFirst().size();
    int each = 3 * size * size;
    float[] truths = new float[drawn.length];
    for (int i = 0; i < some.size(); i++) {
      EditCase one = some.get(i);
      for (int k = 0; k < each; k++) {
        truths[i * each + k] = (one.truth()[k] & 0xFF) / 255f;
      }
      Similarity inside =
          Similarity.of(
              picture(drawn, i, each),
              picture(truths, i, each),
              BoxMask.of(one.boxes(), 0, one.boxes().length / 4, size),
              size);
      values[0][from + i] = inside.psnr();
      values[1][from + i] = inside.ssim();
    }
    for (int m = 0; m < METRICS.size(); m++) {
      double[] measured = METRICS.get(m).of(drawn, truths, some.size(), size);
      System.arraycopy(measured, 0, values[2 + m], from, measured.length);
    }
  }

  private static double[] picture(float[] batch, int i, int length) {
    double[] picture = new double[length];
    for (int k = 0; k < length; k++) {
      picture[k] = batch[i * length + k];
    }
    return picture;
  }
}
