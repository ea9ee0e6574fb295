package nacre.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import nacre.cli.options.Accepts;
import nacre.cli.options.UsageException;
import nacre.evaluation.benchmark.EditBenchmark;
import nacre.evaluation.metric.MetricNetwork;
import nacre.evaluation.metric.MetricWeights;
import nacre.evaluation.metric.Metrics;
import nacre.tensor.Device;
import nacre.weights.NearName;
import picocli.CommandLine.Option;

/** The options of {@code eval} for which every picture is measured, and methods compared. */
final class ComparisonOptions {
  private static final List<String> LEVELS = List.of("image", "object");

  @Option(
      names = "--metrics",
      paramLabel = "NAME",
      split = ",",
      description =
          "What to measure, such as psnr,ssim-tf,lpips-vgg,dino,fid; psnr,ssim unless given. Where"
              + " several pictures are drawn of a case, the first tells which is the best.")
  private List<String> metrics = new ArrayList<>();

  @Option(
      names = "--level",
      paramLabel = "LEVEL",
      split = ",",
      description =
          "What of the pictures to measure: image, object, or both with a comma between; both"
              + " unless given.")
  private List<String> levels = new ArrayList<>();

  @Option(
      names = "--weights",
      paramLabel = "NETWORK=PATH",
      description =
          "The weights of a network that metrics look through: alex, vgg, squeeze, inception or"
              + " dino; may be given several times.")
  private Map<String, Path> weights = new LinkedHashMap<>();

  @Option(
      names = "--compare",
      paramLabel = "MODEL",
      description = "A further model on the same cases; may be given several times.")
  List<Path> compared = new ArrayList<>();

  @Option(
      names = "--baseline",
      paramLabel = "NAME[=MODEL]",
      split = ",",
      description =
          "Another method: copy, the source frame as it is; chained, cutting out, moving, filling,"
              + " pasting; chained=MODEL, where a Stable Diffusion fills; 3dit=MODEL, as it was"
              + " published; may be given several times.")
  List<String> baselines = new ArrayList<>();

  @Option(
      names = "--seeds",
      paramLabel = "K",
      description = "Pictures drawn of each case, with seeds 0 to K − 1; 1 unless given.")
  @Accepts(from = 1, to = 1000)
  int seeds = 1;

  @Option(
      names = "--benchmark",
      paramLabel = "N",
      arity = "0..1",
      fallbackValue = "" + EditBenchmark.COUNT,
      description =
          "Draw the fixed edits of rendered scenes instead of pairs of frames, the first N of 300;"
              + " all unless given.")
  @Accepts(from = 1, to = EditBenchmark.COUNT)
  Integer benchmark;

  @Option(
      names = "--keep-background",
      paramLabel = "MARGIN",
      arity = "0..1",
      fallbackValue = "0.15",
      description = "With --benchmark: models draw only where edited objects are and were.")
  @Accepts(from = 0, to = 10)
  Double keptMargin;

  @Option(
      names = "--out",
      paramLabel = "FOLDER",
      description =
          "Keep values and pictures in this folder: what is there is not drawn again when the"
              + " command is repeated.")
  Path out;

  @Option(
      names = "--report",
      paramLabel = "FILE.html",
      description = "Write a page with tables, plots and pictures, which opens without a network.")
  Path report;

  /** What users wrote for what cannot be meant ends in one line. */
  void check(String data, boolean pairs) {
    if (benchmark != null && data != null) {
      throw new UsageException("--benchmark has scenes of its own: leave out --data");
    }
    if (benchmark != null && pairs) {
      throw new UsageException("--benchmark draws edits instead of pairs: leave out --pairs");
    }
    if (keptMargin != null && benchmark == null) {
      throw new UsageException(
          "--keep-background keeps the source frame, which pairs of frames do not share: give"
              + " --benchmark");
    }
    for (String name : baselines) {
      Baselines.check("--baseline", name);
    }
    for (String level : levels) {
      requireOne("--level", level, LEVELS);
    }
    metrics().forEach(ComparisonOptions::kind);
    if (metrics().stream().allMatch(name -> kind(name).ofSets())) {
      throw new UsageException(
          "--metrics has metrics of sets of pictures only: add one of single pictures, such as"
              + " psnr");
    }
    weights.keySet().forEach(ComparisonOptions::network);
    Set<String> unused = new LinkedHashSet<>(weights.keySet());
    for (String name : metrics()) {
      MetricNetwork needed = kind(name).network().orElse(null);
      unused.remove(String.valueOf(needed));
      if (needed != null && !weights.containsKey(needed.toString())) {
        throw new UsageException(
            String.format(
                Locale.ROOT,
                "--metrics %s needs the weights of %s: give --weights %s=PATH",
                name,
                needed.title(),
                needed));
      }
    }
    if (!unused.isEmpty()) {
      throw new UsageException(
          "--weights "
              + unused.iterator().next()
              + ": no metric looks through it; name one with --metrics");
    }
  }

  private static void requireOne(String option, String name, Collection<String> known) {
    if (!known.contains(name)) {
      throw new UsageException(
          String.format(
              Locale.ROOT,
              "%s is %s, must be %s%s",
              option,
              name,
              String.join(" or ", known),
              NearName.hint(name, known)));
    }
  }

  private static Metrics.Kind kind(String name) {
    try {
      return Metrics.kind(name);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--metrics: " + e.getMessage(), e);
    }
  }

  private static MetricNetwork network(String name) {
    try {
      return MetricNetwork.of(name);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--weights: " + e.getMessage(), e);
    }
  }

  /** The metrics, each once. */
  Set<String> metrics() {
    return metrics.isEmpty()
        ? new LinkedHashSet<>(List.of("psnr", "ssim"))
        : new LinkedHashSet<>(metrics);
  }

  boolean isOf(String level) {
    return levels.isEmpty() || levels.contains(level);
  }

  MetricWeights weights(Device device) {
    MetricWeights all = MetricWeights.none(device);
    for (Map.Entry<String, Path> entry : weights.entrySet()) {
      all = all.with(network(entry.getKey()), entry.getValue());
    }
    return all;
  }
}
