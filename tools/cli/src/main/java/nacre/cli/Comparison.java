package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;
import nacre.cli.options.UsageException;
import nacre.cli.output.Progress;
import nacre.cli.ranks.Ranks;
import nacre.diffusion.NotFiniteException;
import nacre.evaluation.EditCases;
import nacre.evaluation.NeuralAssetsMethod;
import nacre.evaluation.metric.MetricWeights;
import nacre.evaluation.metric.Metrics;
import nacre.evaluation.metric.ObjectMetric;
import nacre.evaluation.run.CaseMetric;
import nacre.evaluation.run.Contender;
import nacre.evaluation.run.EvaluationFolder;
import nacre.evaluation.run.EvaluationResults;
import nacre.evaluation.run.Evaluator;
import nacre.evaluation.run.MethodValues;
import nacre.evaluation.run.SetEvaluator;
import nacre.neuralassets.data.Share;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.training.ModelFolder;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.weights.AtomicFolder;
import nacre.weights.Sha256;

/** The part of {@code eval} that compares methods, picture by picture. */
final class Comparison {
  private final ComparisonOptions options;
  private final Device device;
  private final NeuralAssetsMethod.Settings settings;

  /** Where progress is shown; null for nowhere. */
  private final PrintStream out;

  private final Ranks ranks = Ranks.current();

  /** What came out, and what it came from. */
  record Outcome(
      EditCases cases,
      List<Contender> contenders,
      EvaluationFolder folder,
      EvaluationResults results) {}

  /** What is done with what came out, while the pictures are there. */
  interface Use {
    void of(Outcome outcome) throws IOException;
  }

  Comparison(
      ComparisonOptions options,
      Device device,
      NeuralAssetsMethod.Settings settings,
      PrintStream out) {
    this.options = options;
    this.device = device;
    this.settings = settings;
    this.out = out;
  }

  /** Evaluates models and baselines on some cases. */
  void run(List<Path> models, EditCases cases, Use use) throws IOException {
    List<Contender> contenders = contenders(models);
    boolean kept = options.out != null;
    Path root = kept ? options.out : temporary();
    try (Scope _ = Scope.open()) {
      EvaluationFolder folder = new EvaluationFolder(root);
      if (ranks.several()) {
        Files.createDirectories(root);
        ranks.requireShared(root);
        ranks.requireSame("cases, models or options", digest(contenders, cases));
        results(contenders, cases, folder, ranks.share());
        ranks.rendezvous().barrier();
      }
      if (ranks.isFirst()) { // which finds what others did
        EvaluationResults results = results(contenders, cases, folder, Share.WHOLE);
        use.of(new Outcome(cases, contenders, folder, results));
      }
    } finally {
      if (!kept && ranks.isFirst()) {
        AtomicFolder.delete(root);
      }
    }
  }

  private Path temporary() throws IOException {
    return Path.of(
        ranks.ofFirst(ranks.isFirst() ? Files.createTempDirectory("nacre-eval").toString() : null));
  }

  private static byte[] digest(List<Contender> contenders, EditCases cases) {
    StringBuilder all = new StringBuilder(cases.digest());
    contenders.forEach(c -> all.append('\n').append(c.name()).append(' ').append(c.digest()));
    return all.toString().getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Draws and measures a share of all cases, by files of values; that of the only process is all,
   * and has the values of sets.
   */
  private EvaluationResults results(
      List<Contender> contenders, EditCases cases, EvaluationFolder folder, Share share)
      throws IOException {
    MetricWeights weights = options.weights(device);
    List<CaseMetric> metrics = metrics(weights);
    Map<String, SetEvaluator.Making> sets = sets(weights);
    boolean pictures = options.out != null || options.report != null || !sets.isEmpty();
    List<EvaluationResults.Method> methods = new ArrayList<>();
    long total = contenders.stream().mapToLong(c -> (long) seeds(c) * cases.size()).sum();
    try (Progress progress =
        out == null
            ? null
            : Progress.start(
                out, new Progress.Limit.Steps(total, "picture"), 0, Memory::liveBytes)) {
      long before = 0;
      int files = 0;
      for (Contender contender : contenders) {
        List<MethodValues> values = new ArrayList<>();
        List<Map<String, SetEvaluator.SetValue>> ofSets = new ArrayList<>();
        for (int seed = 0; seed < seeds(contender); seed++) {
          long first = before;
          Evaluator.Progress told =
              progress == null
                  ? Evaluator.Progress.NONE
                  : (done, drawn) -> progress.step(first + done, drawn);
          Evaluator evaluator = new Evaluator(cases, metrics, folder, pictures, told);
          int earlier = files;
          IntPredicate mine = file -> (earlier + file) % share.ranks() == share.rank();
          values.add(evaluated(evaluator, contender, seed, mine));
          files += evaluator.files();
          if (share.ranks() == 1) {
            ofSets.add(
                new SetEvaluator(cases, folder, () -> {}).run(contender, values.getLast(), sets));
          }
          before += cases.size();
        }
        methods.add(new EvaluationResults.Method(contender.name(), values, ofSets));
      }
    }
    return new EvaluationResults(
        cases.size(), metrics.stream().map(EvaluationResults.Column::of).toList(), methods);
  }

  private static MethodValues evaluated(
      Evaluator evaluator, Contender contender, int seed, IntPredicate mine) throws IOException {
    try {
      return evaluator.run(contender, seed, mine);
    } catch (NotFiniteException e) {
      throw ModelChoice.damaged(Path.of(contender.name()), e);
    }
  }

  private int seeds(Contender contender) {
    return contender.draws() ? options.seeds : 1;
  }

  private List<CaseMetric> metrics(MetricWeights weights) throws IOException {
    List<CaseMetric> metrics = new ArrayList<>();
    for (String name : options.metrics()) {
      if (Metrics.kind(name).ofSets()) {
        continue;
      }
      var metric = Metrics.named(name, weights);
      List<CaseMetric> levels = new ArrayList<>();
      if (options.isOf("image")) {
        levels.add(CaseMetric.ofImages(metric));
      }
      if (options.isOf("object")) {
        levels.add(CaseMetric.ofObjects(ObjectMetric.of(metric)));
      }
      Optional<String> digest = digest(name, weights);
      levels.forEach(each -> metrics.add(digest.map(each::through).orElse(each)));
    }
    return metrics;
  }

  /** The digest of the weights that a metric looks through, if it looks through any. */
  private static Optional<String> digest(String metric, MetricWeights weights) throws IOException {
    Optional<Path> file = Metrics.kind(metric).network().flatMap(weights::of);
    if (file.isEmpty()) {
      return Optional.empty();
    }
    boolean folder = Files.isDirectory(file.get());
    String digest = folder ? ModelFolder.digest(file.get()) : Sha256.of(file.get());
    return Optional.of(digest.substring(0, 12));
  }

  private Map<String, SetEvaluator.Making> sets(MetricWeights weights) throws IOException {
    Map<String, SetEvaluator.Making> sets = new LinkedHashMap<>();
    for (String name : options.metrics()) {
      if (Metrics.kind(name).ofSets()) {
        String key = name + digest(name, weights).map(digest -> ", weights " + digest).orElse("");
        sets.put(key, () -> Metrics.setNamed(name, weights));
      }
    }
    return sets;
  }

  private List<Contender> contenders(List<Path> models) throws IOException {
    Map<String, Contender> all = new LinkedHashMap<>();
    Preset first = null;
    for (Path folder : models) {
      Preset preset = ModelFolder.preset(folder);
      first = first == null ? preset : first;
      if (preset.imageSize() != first.imageSize()) {
        throw new UsageException(
            String.format(
                Locale.ROOT,
                "--compare %s draws pictures of %d pixels a side, the first model of %d: they have"
                    + " no pairs in common",
                folder,
                preset.imageSize(),
                first.imageSize()));
      }
      String name = folder + (settings.keptMargin() == null ? "" : ", background kept");
      String digest = ModelFolder.digest(folder) + " " + settings;
      put(
          all,
          new Contender(
              name, digest, true, () -> NeuralAssetsMethod.open(name, folder, device, settings)));
    }
    for (String baseline : options.baselines) {
      put(all, Baselines.of(baseline, device));
    }
    return List.copyOf(all.values());
  }

  private static void put(Map<String, Contender> all, Contender one) {
    if (all.put(one.name(), one) != null) {
      throw new UsageException(one.name() + " is given twice");
    }
  }
}
