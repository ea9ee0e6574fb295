package nacre.lab.gpu;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import nacre.cli.output.LossCurve;
import nacre.cli.output.MetricsLog;

/**
 * The comparison of a training on the GPU with the same training on the CPU, which the archive has
 * the losses of: same seed, scenes and noise, so the same losses but for rounding. Each step feeds
 * the next, so rounding differences grow; a mistake in a gradient shows at once and many times
 * larger. The two curves, means of ten steps each, may differ by {@link #FIRST} of their value in
 * the first entry and by {@link #ALLOWED} in any, and the losses must fall. Two runs on the CPU,
 * with one thread and with two, differ by 1e-8 and by 8e-7 at most in 200 steps of the demo;
 * cuDNN's algorithms may round a hundred times more.
 */
final class LossCurves {
  private static final double FIRST = 1e-5;
  private static final double ALLOWED = 1e-3;

  private LossCurves() {}

  static Finding run(Workbench bench) throws IOException, InterruptedException {
    String preset = bench.small() ? "tiny" : "demo";
    int steps = bench.small() ? 10 : 200;
    Path gpu = train(bench, preset, steps, "--device=cuda", "--explain");
    Path known = bench.home().resolve("losses").resolve(preset + "-" + steps + ".jsonl");
    List<MetricsLog.Entry> cpu =
        Files.exists(known)
            ? MetricsLog.read(known)
            : log(train(bench, preset, steps, "--device=cpu"));
    return compare(log(gpu), cpu);
  }

  /** A short training with its steps captured, and once more without: the same bits on disk. */
  static Finding captured(Workbench bench) throws IOException, InterruptedException {
    String preset = bench.small() ? "tiny" : "demo";
    Path captured = train(bench, preset, 10, "--device=cuda").resolve("checkpoints");
    Path plain = train(bench, preset, 10, "--device=cuda", "--no-graph").resolve("checkpoints");
    List<Path> files = weights(captured);
    List<String> different = new ArrayList<>();
    for (Path file : files) {
      Path other = plain.resolve(file);
      if (!Files.exists(other) || Files.mismatch(captured.resolve(file), other) >= 0) {
        different.add(file.toString());
      }
    }
    boolean same = !files.isEmpty() && different.isEmpty() && files.equals(weights(plain));
    String sentence =
        String.format(
            Locale.ROOT,
            "%d files of parameters, averages and optimizer after 10 steps, %s",
            files.size(),
            same ? "the same to the bit" : "different without capture: " + different);
    return Finding.of(same ? Status.PASSED : Status.FAILED, sentence);
  }

  private static List<Path> weights(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(file -> file.toString().endsWith(".safetensors"))
          .map(folder::relativize)
          .sorted()
          .toList();
    }
  }

  private static List<MetricsLog.Entry> log(Path run) throws IOException {
    return MetricsLog.read(run.resolve("metrics.jsonl"));
  }

  /**
   * The folder of a training.
   *
   * @throws IOException if it fails
   */
  private static Path train(Workbench bench, String preset, int steps, String... how)
      throws IOException, InterruptedException {
    List<String> words = new ArrayList<>(List.of("train"));
    words.addAll(List.of(how));
    Path folder = Files.createTempDirectory(bench.scratch(), "run-");
    words.addAll(List.of("--preset=" + preset, "--steps=" + steps, "--seed=0"));
    words.addAll(List.of("--eval-pairs=0", "--no-sheet", "--checkpoint-minutes=1000"));
    words.add("--out=" + folder);
    Workbench.Ran ran = bench.nacre(words);
    if (ran.status() != 0) {
      throw new IOException("train " + String.join(" ", how) + " " + ran.failure());
    }
    return folder;
  }

  /** The verdict over two logs of the same steps. */
  static Finding compare(List<MetricsLog.Entry> gpu, List<MetricsLog.Entry> cpu) {
    ObjectNode numbers = JsonNodeFactory.instance.objectNode();
    ArrayNode curve = numbers.putArray("curve");
    double worst = 0;
    double first = 0;
    for (int i = 0; i < gpu.size() && i < cpu.size(); i++) {
      double ours = loss(gpu.get(i));
      double theirs = loss(cpu.get(i));
      double off = Math.abs(ours - theirs) / theirs;
      first = i == 0 ? off : first;
      worst = Math.max(worst, off);
      curve.addObject().put("step", gpu.get(i).step()).put("cuda", ours).put("cpu", theirs);
    }
    numbers.put("first", first).put("worst", worst);
    numbers.put("cuda_images_per_second", pace(gpu)).put("cpu_images_per_second", pace(cpu));
    String sentence =
        String.format(
            Locale.ROOT,
            "losses differ by %.1e at first and %.1e at most (%.0e and %.0e allowed);"
                + " %.0f images/s, the CPU %.0f",
            first,
            worst,
            FIRST,
            ALLOWED,
            pace(gpu),
            pace(cpu));
    boolean same =
        !curve.isEmpty()
            && gpu.size() == cpu.size()
            && first <= FIRST // also false for NaN
            && worst <= ALLOWED
            && (curve.size() == 1 || loss(gpu.getLast()) < loss(gpu.getFirst()));
    return same ? Finding.passed(sentence, numbers) : Finding.failed(sentence, numbers);
  }

  private static double loss(MetricsLog.Entry entry) {
    return entry.values().get(LossCurve.LOSS);
  }

  private static double pace(List<MetricsLog.Entry> log) {
    return log.isEmpty() ? 0 : log.getLast().values().getOrDefault("images_per_second", 0.0);
  }
}
