package nacre.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import nacre.cli.options.Accepts;
import nacre.cli.options.DataName;
import nacre.cli.options.UserException;
import nacre.cli.output.Progress;
import nacre.cli.ranks.Ranks;
import nacre.diffusion.NotFiniteException;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditCases;
import nacre.evaluation.NeuralAssetsMethod;
import nacre.evaluation.PairCases;
import nacre.evaluation.benchmark.EditBenchmark;
import nacre.evaluation.report.HtmlReport;
import nacre.evaluation.run.EvaluationJson;
import nacre.neuralassets.data.BadData;
import nacre.neuralassets.data.ClipLocation;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.data.SomeClips;
import nacre.neuralassets.evaluation.Evaluation;
import nacre.neuralassets.evaluation.Similarity;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.ModelFolder;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code nacre eval}. */
@Command(
    name = "eval",
    description = {
      "Measure how well a model places objects.",
      "",
      "On pairs of frames of held-out scenes: likeness of the drawn target frame to the true one",
      "within the 2D boxes of its objects, beside what copying the source frame gives, and what",
      "the model gives with the poses of another scene.",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class EvalCommand implements Callable<Integer>, ManyProcesses {
  /** The name of the pairs of {@link #heldOut}. */
  static final String HELD_OUT = "held-out pairs";

  /** The seed of an endless data set from which pairs are taken. */
  private static final long EVALUATION_SEED = 1;

  @Spec private CommandSpec spec;

  @Mixin private ModelChoice choice;

  @Option(
      names = "--pairs",
      paramLabel = "N",
      defaultValue = "200",
      description = "Number of pairs, one a scene; 200 unless given.")
  @Accepts(from = 2, to = 100_000)
  private int pairs;

  @Option(
      names = "--data",
      paramLabel = "[NAME:]FOLDER",
      description =
          "Take one pair of each scene of this data set instead of rendered scenes: a folder of"
              + " scene folders, or another kind by its name.")
  private String data;

  @Mixin private Skipping skipping;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "Steps of DDIM; the preset's unless given.")
  @Accepts(from = 1)
  private Integer steps;

  @Option(
      names = "--guidance",
      paramLabel = "X",
      description = "Scale of guidance, 1 for none; the preset's unless given.")
  @Accepts(from = 0, to = 1000)
  private Double guidance;

  @Option(names = "--json", description = "Print the numbers as JSON.")
  private boolean json;

  @ArgGroup(
      validate = false,
      heading =
          "%nWith any of these every picture is measured, and the source frame copied is"
              + " --baseline copy:%n")
  private ComparisonOptions comparison;

  @Override
  public Integer call() throws IOException {
    PrintStream out = System.out;
    Path folder = choice.folder();
    if (comparison != null) {
      comparison.check(data, spec.commandLine().getParseResult().hasMatchedOption("--pairs"));
      compare(folder);
      choice.explain((json ? System.err : out)::println);
      return 0;
    }
    try (Scope _ = Scope.open()) {
      NeuralAssets model = ModelFolder.load(folder, choice.device());
      Sampler sampler = SceneSampling.sampler(model, steps, guidance);
      if (!json) {
        out.println("model   " + folder);
      }
      requireRoom("--pairs", pairs, model.preset().imageSize());
      PairBatch batch =
          data == null ? heldOut(model.preset(), pairs) : stored(model.preset(), folder);
      Evaluation evaluation;
      // JSON output contains nothing else.
      Ranks ranks = Ranks.current();
      try (Progress progress = json ? null : progress(out, batch.count(), ranks)) {
        IntConsumer shown = json ? done -> {} : show(progress);
        evaluation = Evaluation.of(sampler, batch, shown, () -> {}, ranks.rendezvous());
      }
      out.println(
          json
              ? json(evaluation, sampler).toPrettyString()
              : table(evaluation, sampler, data == null ? HELD_OUT : "pairs of " + data));
    } catch (NotFiniteException e) {
      throw ModelChoice.damaged(folder, e);
    }
    choice.explain((json ? System.err : out)::println);
    return 0;
  }

  private void compare(Path folder) throws IOException {
    List<Path> models = new ArrayList<>(List.of(folder));
    for (Path other : comparison.compared) {
      models.add(ModelChoice.given(other, "--compare"));
    }
    NeuralAssetsMethod.Settings settings =
        new NeuralAssetsMethod.Settings(steps, guidance, comparison.keptMargin);
    EditCases cases = cases(models);
    tell("cases   %s", cases.describe());
    new Comparison(comparison, choice.device(), settings, json ? null : System.out)
        .run(models, cases, this::show);
  }

  private void show(Comparison.Outcome outcome) throws IOException {
    System.out.println(
        json
            ? EvaluationJson.of(outcome.results()).toPrettyString()
            : ComparisonTable.of(outcome.results()));
    if (comparison.report != null) {
      new HtmlReport(
              outcome.results(),
              outcome.cases(),
              outcome.contenders(),
              outcome.folder(),
              "nacre "
                  + String.join(
                      " ", spec.commandLine().getParent().getParseResult().originalArgs()),
              settings())
          .write(comparison.report);
      tell("report  %s", comparison.report);
    }
  }

  private Map<String, String> settings() throws IOException {
    Map<String, String> settings = VersionCommand.of(choice.device());
    settings.put("Steps", steps == null ? "each model's own" : steps.toString());
    settings.put("Guidance", guidance == null ? "each model's own" : guidance.toString());
    return settings;
  }

  /** The cases that all models have room for. */
  private EditCases cases(List<Path> models) throws IOException {
    Preset preset = ModelFolder.preset(models.getFirst());
    DataConfig config = Scenes.dataOf(preset);
    int slots = config.slots();
    for (Path model : models) {
      slots = Math.min(slots, Scenes.dataOf(ModelFolder.preset(model)).slots());
    }
    int size = preset.imageSize();
    if (comparison.benchmark != null) {
      int samples = config.rendering().map(DataConfig.Rendering::samplesPerSide).orElse(2);
      List<EditCase> all = EditBenchmark.cases(comparison.benchmark, size, slots, samples);
      return EditCases.of(
          all,
          EditBenchmark.digest(all),
          String.format(Locale.ROOT, "%d edits of the benchmark", all.size()));
    }
    if (data == null) {
      return PairCases.heldOut(pairs, config, slots, size);
    }
    ClipLocation location = DataName.parse(data);
    ClipSource all = location.open(new ClipSourceProvider.Request(config, size, EVALUATION_SEED));
    ClipSource source = untrained(all, location, models);
    int count = Math.min(pairs, source.size());
    BadData bad = skipping.bad(line -> tell("%s", line));
    return new PairCases(source, count, config, slots, size, bad);
  }

  /**
   * Requires the pictures of pairs to fit into an array.
   *
   * @throws UserException in one line that says how many do
   */
  static void requireRoom(String option, int pairs, int size) {
    long most = Integer.MAX_VALUE / (3L * size * size);
    if (pairs > most) {
      throw new UserException(
          String.format(
              Locale.ROOT,
              "%s is %d: pictures of %d by %d pixels are held in memory at once, and must be at"
                  + " most %d",
              option,
              pairs,
              size,
              size,
              most));
    }
  }

  /** Pairs of held-out scenes, on which no run is trained. */
  static PairBatch heldOut(Preset preset, int pairs) {
    return HeldOut.pairs(Scenes.dataOf(preset), pairs, preset.imageSize());
  }

  private PairBatch stored(Preset preset, Path model) throws IOException {
    DataConfig config = Scenes.dataOf(preset);
    int size = preset.imageSize();
    ClipLocation location = DataName.parse(data);
    ClipSource all = location.open(new ClipSourceProvider.Request(config, size, EVALUATION_SEED));
    ClipSource source = untrained(all, location, List.of(model));
    if (source.size() < pairs) {
      tell("pairs   %d of %d: %s holds no more scenes", source.size(), pairs, data);
    }
    return stored(source, config, pairs, size, skipping.bad(line -> tell("%s", line)));
  }

  /**
   * The scenes of a data set that the runs of all models held out, of those that trained on the
   * others. Where these are too few, all of them, and a line says so.
   */
  private ClipSource untrained(ClipSource all, ClipLocation location, List<Path> models)
      throws IOException {
    List<Integer> held = null;
    for (Path model : models) {
      Optional<Checkpoint> checkpoint = Checkpoint.of(model);
      if (checkpoint.isPresent() && checkpoint.get().state().data().equals(location.toString())) {
        List<String> heldOut = checkpoint.get().state().heldOut();
        IntStream left =
            held == null
                ? IntStream.range(0, all.size())
                : held.stream().mapToInt(Integer::intValue);
        held = left.filter(i -> heldOut.contains(all.id(i))).boxed().toList();
      }
    }
    if (held == null) {
      return all;
    }
    String runs = models.size() == 1 ? "the run" : "runs";
    if (held.size() < 2) {
      tell(
          "note    %s trained on these scenes and held out %d, too few for pairs: all are taken",
          runs, held.size());
      return all;
    }
    tell(
        "note    of %,d scenes the %,d are taken that %s did not train on",
        all.size(), held.size(), runs);
    return new SomeClips(all, held);
  }

  /** Prints a line where it is no part of the results. */
  private void tell(String format, Object... values) {
    (json ? System.err : System.out).println(String.format(Locale.ROOT, format, values));
  }

  /**
   * One pair of each of the first clips of a data set.
   *
   * @param most pairs at most
   * @param bad what becomes of clips that cannot be read
   * @throws UserException if it has one clip
   */
  static PairBatch stored(ClipSource source, DataConfig config, int most, int size, BadData bad)
      throws IOException {
    int count = Math.min(most, source.size());
    if (count < 2) {
      throw new UserException(
          source.describe() + ": holds one scene; poses are exchanged between two or more");
    }
    ClipSource first = new SomeClips(source, IntStream.range(0, count).boxed().toList());
    ClipPool pool = new ClipPool(first, config, size, bad);
    PairBatch pairs = HeldOut.pairs(pool, count, config);
    if (pairs.count() < 2) {
      throw new UserException(source.describe() + ": only one of its clips can be read");
    }
    return pairs;
  }

  /** A progress bar for the pictures that this process draws, twice as many as its pairs. */
  static Progress progress(PrintStream out, int pairs, Ranks ranks) {
    long pictures = 2 * ranks.share().of(pairs).count();
    return Progress.start(out, new Progress.Limit.Steps(pictures, "picture"), 0, Memory::liveBytes);
  }

  /** Shows how many pictures are drawn. */
  static IntConsumer show(Progress progress) {
    int[] before = {0};
    return done -> {
      progress.step(done, done - before[0]);
      before[0] = done;
    };
  }

  /**
   * The results as text.
   *
   * @param pairs kind of the pairs, which follows their number
   */
  static String table(Evaluation e, Sampler sampler, String pairs) {
    String head =
        String.format(
            Locale.ROOT,
            "eval    %d %s, %d steps, guidance %s, within the boxes of the target's objects",
            e.pairs(),
            pairs,
            sampler.steps(),
            sampler.guidance());
    return String.join(
        System.lineSeparator(),
        head,
        "                             PSNR     SSIM    model is ahead by",
        String.join(System.lineSeparator(), rows(e)));
  }

  /** The rows of the table: of the model, and of what it is compared with. */
  static String[] rows(Evaluation e) {
    return new String[] {
      row("model", e.model(), ""),
      row("source frame copied", e.copy(), ahead(e.model(), e.copy())),
      row("poses of another scene", e.foreign(), ahead(e.model(), e.foreign()))
    };
  }

  private static String row(String name, Similarity s, String rest) {
    return String.format(Locale.ROOT, "  %-23s %6.2f dB   %6.3f", name, s.psnr(), s.ssim()) + rest;
  }

  private static String ahead(Similarity model, Similarity other) {
    double ahead = Math.rint(100 * (model.psnr() - other.psnr())) / 100;
    return String.format(Locale.ROOT, "   %+6.2f dB", ahead + 0.0); // adding 0 makes -0.0 zero
  }

  /** The results as JSON. */
  static ObjectNode json(Evaluation e, Sampler sampler) {
    ObjectNode node = new JsonMapper().createObjectNode();
    node.put("pairs", e.pairs()).put("steps", sampler.steps()).put("guidance", sampler.guidance());
    put(node, "model", e.model());
    put(node, "copy", e.copy());
    put(node, "foreign_poses", e.foreign());
    return node;
  }

  private static void put(ObjectNode node, String name, Similarity s) {
    node.putObject(name).put("psnr", s.psnr()).put("ssim", s.ssim());
  }
}
