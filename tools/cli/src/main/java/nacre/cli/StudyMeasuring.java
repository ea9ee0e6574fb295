package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import nacre.cli.output.Progress;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditingMethod;
import nacre.evaluation.benchmark.EditBenchmark;
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
    double[][] values = new double[4][count];
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
    return new Measured(
        name,
        seed,
        steps,
        digest,
        List.of(
            new Measured.Column("PSNR in the boxes", true, values[0]),
            new Measured.Column("SSIM in the boxes", true, values[1]),
            new Measured.Column("PSNR", true, values[2]),
            new Measured.Column("SSIM", true, values[3])));
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
    for (int i = 0; i < some.size(); i++) {
      compare(drawn, i, some.get(i), values, from + i);
    }
  }

  private static void compare(float[] drawn, int i, EditCase one, double[][] values, int number) {
    int size = one.size();
    double[] picture = new double[3 * size * size];
    double[] truth = new double[picture.length];
    for (int k = 0; k < picture.length; k++) {
      picture[k] = drawn[i * picture.length + k];
      truth[k] = (one.truth()[k] & 0xFF) / 255.0;
    }
    boolean[] all = new boolean[size * size];
    Arrays.fill(all, true);
    Function<boolean[], Similarity> compared = m -> Similarity.of(picture, truth, m, size);
    Similarity inside = compared.apply(BoxMask.of(one.boxes(), 0, one.boxes().length / 4, size));
    Similarity whole = compared.apply(all);
    values[0][number] = inside.psnr();
    values[1][number] = inside.ssim();
    values[2][number] = whole.psnr();
    values[3][number] = whole.ssim();
  }
}
