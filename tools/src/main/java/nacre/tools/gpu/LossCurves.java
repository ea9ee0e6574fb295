package nacre.tools.gpu;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import nacre.tools.output.LossCurve;
import nacre.tools.output.MetricsLog;

/**
 * A training on the card beside the same on the processor: same seed, scenes and noise, so the same
 * losses but for rounding. Each step feeds the next, so what is rounding at the first step grows; a
 * mistake in a gradient shows at once and many times larger. The two curves, means of ten steps
 * each, may differ by {@link #FIRST} of their value in the first entry and by {@link #ALLOWED} in
 * any.
 */
final class LossCurves {
  private static final double FIRST = 1e-3;
  private static final double ALLOWED = 2e-2;

  private LossCurves() {}

  static Finding run(Workbench bench) throws IOException, InterruptedException {
    String preset = bench.small() ? "tiny" : "demo";
    int steps = bench.small() ? 10 : 200;
    Workbench.Ran card = train(bench, "cuda", preset, steps);
    if (card.status() != 0) {
      return Finding.of(Status.FAILED, "train --device cuda " + card.failure());
    }
    Workbench.Ran processor = train(bench, "cpu", preset, steps);
    if (processor.status() != 0) {
      return Finding.of(Status.FAILED, "train --device cpu " + processor.failure());
    }
    return compare(
        MetricsLog.read(bench.scratch().resolve("cuda/metrics.jsonl")),
        MetricsLog.read(bench.scratch().resolve("cpu/metrics.jsonl")));
  }

  private static Workbench.Ran train(Workbench bench, String device, String preset, int steps)
      throws IOException, InterruptedException {
    Path folder = bench.scratch().resolve(device);
    return bench.nacre(
        "train",
        "--preset=" + preset,
        "--steps=" + steps,
        "--device=" + device,
        "--seed=0",
        "--eval-pairs=0",
        "--no-sheet",
        "--checkpoint-minutes=1000",
        "--out=" + folder);
  }

  /** The verdict over two logs of the same steps. */
  static Finding compare(List<MetricsLog.Entry> card, List<MetricsLog.Entry> processor) {
    ObjectNode numbers = JsonNodeFactory.instance.objectNode();
    ArrayNode curve = numbers.putArray("curve");
    double worst = 0;
    double first = 0;
    for (int i = 0; i < card.size() && i < processor.size(); i++) {
      double ours = card.get(i).values().get(LossCurve.LOSS);
      double theirs = processor.get(i).values().get(LossCurve.LOSS);
      double off = Math.abs(ours - theirs) / theirs;
      first = i == 0 ? off : first;
      worst = Math.max(worst, off);
      curve.addObject().put("step", card.get(i).step()).put("cuda", ours).put("cpu", theirs);
    }
    numbers.put("first", first).put("worst", worst);
    numbers.put("cuda_images_per_second", pace(card)).put("cpu_images_per_second", pace(processor));
    String sentence =
        String.format(
            Locale.ROOT,
            "losses differ by %.1e at first and %.1e at most (%.0e and %.0e allowed);"
                + " %.0f images/s, the processor %.0f",
            first,
            worst,
            FIRST,
            ALLOWED,
            pace(card),
            pace(processor));
    boolean same =
        !curve.isEmpty()
            && card.size() == processor.size()
            && first <= FIRST // also false for NaN
            && worst <= ALLOWED;
    return same ? Finding.passed(sentence, numbers) : Finding.failed(sentence, numbers);
  }

  private static double pace(List<MetricsLog.Entry> log) {
    return log.isEmpty() ? 0 : log.getLast().values().getOrDefault("images_per_second", 0.0);
  }
}
