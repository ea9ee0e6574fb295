package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import nacre.cli.options.UserException;
import nacre.cli.ranks.Ranks;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditCases;
import nacre.evaluation.NeuralAssetsMethod;
import nacre.evaluation.PairCases;
import nacre.evaluation.benchmark.EditBenchmark;
import nacre.evaluation.benchmark.EditKind;
import nacre.evaluation.report.StudyReport;
import nacre.evaluation.run.Contender;
import nacre.evaluation.study.Measured;
import nacre.evaluation.study.StudyFile;
import nacre.evaluation.study.StudyNumbers;
import nacre.evaluation.study.StudyPlot;
import nacre.evaluation.study.StudyResults;
import nacre.evaluation.study.StudyTable;
import nacre.neuralassets.data.ClipLocation;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.ModelFolder;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.weights.Aside;
import nacre.weights.AtomicFile;
import nacre.weights.JsonFile;
import nacre.weights.NearName;
import nacre.weights.OneLine;

/** One start of a study: everything that is not done yet, one run after the other. */
final class Study {
  private static final Duration CHECKPOINTS = Duration.ofMinutes(5);

  /** Pairs of frames that have pictures in the report. */
  private static final int SHOWN_PAIRS = 2;

  private final StudyFile study;
  private final StudyFolder folder;
  private final Device device;
  private final PrintStream out;
  private final BooleanSupplier stop;
  private final Ranks ranks = Ranks.current();
  private StudyMeasuring cases;

  Study(StudyFile study, StudyFolder folder, Device device, PrintStream out, BooleanSupplier stop) {
    this.study = study;
    this.folder = folder;
    this.device = device;
    this.out = out;
    this.stop = stop;
  }

  /** The runs of a study: all variants with the first seed, then with the next. */
  static List<StudyFolder.Run> runs(StudyFile study) {
    List<StudyFolder.Run> runs = new ArrayList<>();
    for (long seed : study.seeds()) {
      study
          .variants()
          .forEach((name, variant) -> runs.add(new StudyFolder.Run(name, variant, seed)));
    }
    return runs;
  }

  /**
   * Does what is left, one run after the other; several ranks one each at a time. A run that fails
   * is told of, and the others go on.
   *
   * @return false if stopped meanwhile
   * @throws UserException if a run failed
   */
  boolean run() throws IOException {
    begin();
    List<StudyFolder.Run> runs = runs(study);
    List<String> failed = new ArrayList<>();
    boolean isStopped = false;
    for (int i = ranks.rank(); i < runs.size() && !isStopped; i += ranks.ranks()) {
      out.printf(Locale.ROOT, "study   %s: run %d of %d%n", runs.get(i), i + 1, runs.size());
      try {
        isStopped = !run(runs.get(i));
      } catch (IOException | RuntimeException e) { // a model's numbers may break down, too
        failed.add(runs.get(i) + ": " + Failure.describe(e));
        out.println("failed  " + failed.getLast());
      }
    }
    if (ranks.any(isStopped || stop.getAsBoolean())) {
      return false;
    }
    List<String> all = ranks.lines(failed);
    if (ranks.isFirst()) {
      conclude(all);
    }
    return true;
  }

  /**
   * Checks what can be refused, before anything is trained, and measures what needs no training.
   */
  void begin() throws IOException {
    for (StudyFolder.Run run : runs(study)) {
      folder.newest(run, study);
    }
    List<String> methods = List.copyOf(study.methods());
    for (int i = ranks.rank(); i < methods.size(); i += ranks.ranks()) {
      if (!stop.getAsBoolean()) {
        measure(methods.get(i));
      }
    }
  }

  /**
   * Does one run.
   *
   * @param name of its folder
   * @return false if stopped meanwhile
   * @throws UserException if the study has no such run
   */
  boolean only(String name) throws IOException {
    List<StudyFolder.Run> runs = runs(study);
    StudyFolder.Run run =
        runs.stream()
            .filter(r -> r.name().equals(name))
            .findFirst()
            .orElseThrow(
                () -> {
                  List<String> names = runs.stream().map(StudyFolder.Run::name).toList();
                  return new UserException(
                      String.format(
                          Locale.ROOT,
                          "--run %s: the study has no such run; it has %s%s",
                          name,
                          OneLine.list(names),
                          NearName.hint(name, names)));
                });
    return run(run);
  }

  /** Whether nothing of a run is left to do. */
  boolean isDone(StudyFolder.Run run) throws IOException {
    Optional<Checkpoint> last = folder.newest(run, study);
    return last.isPresent()
        && StudyFolder.isFinished(last.get())
        && isMeasured(
            folder.results(run.variant(), run.seed()),
            last.get().state().step(),
            last.get().modelDigest());
  }

  private boolean run(StudyFolder.Run run) throws IOException {
    return !stop.getAsBoolean() && train(run) && measure(run);
  }

  /** Writes what there is, and says where. */
  void conclude(List<String> failed) throws IOException {
    write();
    out.println("table   " + folder.table());
    out.println("plot    " + folder.plot());
    out.println("report  " + folder.report());
    if (!failed.isEmpty()) {
      throw new UserException(
          String.format(
              Locale.ROOT,
              "%d of %d runs failed: %s; the same command tries them again",
              failed.size(),
              runs(study).size(),
              OneLine.list(failed, 3)));
    }
  }

  /** The cases at the size of the variants' pictures; those of the demo if there are none. */
  private StudyMeasuring measuring() {
    if (cases == null) {
      List<EditCase> edits = rendered();
      EditCases all =
          EditCases.of(
              edits, EditBenchmark.digest(edits), edits.size() + " edits of the benchmark");
      List<StudyMeasuring.Part> parts = new ArrayList<>();
      parts.add(new StudyMeasuring.Part(all, EditKind.values().length, folder.drawn()));
      if (study.pairs() > 0) {
        Preset preset = shown();
        EditCases pairs =
            PairCases.heldOut(
                study.pairs(), Scenes.dataOf(preset), slots(preset), preset.imageSize());
        parts.add(new StudyMeasuring.Part(pairs, SHOWN_PAIRS, folder.pairs()));
      }
      cases = new StudyMeasuring(parts, out);
    }
    return cases;
  }

  /** A preset whose pictures have the size of all. */
  private Preset shown() {
    return study.variants().values().stream()
        .findFirst()
        .map(StudyFile.Variant::preset)
        .orElseGet(() -> Preset.builtin("demo"));
  }

  /** The slots of the variant with the fewest, so that all can draw all cases. */
  private int slots(Preset otherwise) {
    return study.variants().values().stream()
        .mapToInt(variant -> Scenes.dataOf(variant.preset()).slots())
        .min()
        .orElseGet(() -> Scenes.dataOf(otherwise).slots());
  }

  private List<EditCase> rendered() {
    Preset preset = shown();
    DataConfig data = Scenes.dataOf(preset);
    return EditBenchmark.cases(
        study.cases(),
        preset.imageSize(),
        slots(preset),
        data.rendering().map(DataConfig.Rendering::samplesPerSide).orElse(2));
  }

  private boolean train(StudyFolder.Run run) throws IOException {
    Optional<Checkpoint> newest = folder.newest(run, study);
    if (newest.isPresent() && StudyFolder.isFinished(newest.get())) {
      return true;
    }
    TrainingRun.Request request =
        new TrainingRun.Request(
            folder.run(run),
            run.preset().preset(),
            device,
            DType.F32,
            run.seed(),
            study.length(),
            CHECKPOINTS,
            ClipLocation.rendered(),
            0,
            false,
            null,
            Reading.byDefault(),
            false,
            newest.orElse(null),
            Ranks.alone());
    return new TrainingRun(request, out, stop).run();
  }

  private boolean measure(StudyFolder.Run run) throws IOException {
    Checkpoint last = folder.newest(run, study).orElseThrow();
    long steps = last.state().step();
    Path file = folder.results(run.variant(), run.seed());
    if (isMeasured(file, steps, last.modelDigest())) {
      return true;
    }
    int slots = Scenes.dataOf(run.preset().preset()).slots();
    Contender contender =
        new Contender(
            run.variant(),
            last.modelDigest(),
            true,
            () ->
                new NeuralAssetsMethod(
                    run.variant(), Sampler.of(ModelFolder.load(last.model(), device)), slots));
    try (Scope _ = Scope.open()) { // the model is in it
      return measure(contender, run.seed(), steps, file);
    }
  }

  private boolean measure(String method) throws IOException {
    Path file = folder.results(method, 0);
    Contender contender = Baselines.of(method);
    if (isMeasured(file, 0, contender.digest())) {
      return true;
    }
    Optional<Measured> known = Measured.read(file);
    if (known.isPresent() && !known.get().model().equals(contender.digest())) {
      for (Path other : folder.of(method)) { // drawn by another version of it
        out.printf(Locale.ROOT, "aside   %s, now %s%n", other, Aside.move(other));
      }
    }
    return measure(contender, 0, 0, file);
  }

  private boolean isMeasured(Path file, long steps, String model) {
    return Measured.read(file)
        .filter(one -> isOfCases(one, steps) && one.model().equals(model))
        .isPresent();
  }

  private boolean isOfCases(Measured one, long steps) {
    return one.isOf(measuring().digest(), study.drawn(), steps, StudyMeasuring.names());
  }

  private boolean measure(Contender contender, long seed, long steps, Path file)
      throws IOException {
    out.println("measure " + contender.name());
    try {
      measuring().measure(contender, seed, steps, this::requireUnstopped).write(file);
    } catch (CancellationException e) {
      return false;
    }
    if (ranks.isFirst()) {
      write();
    }
    return true;
  }

  private void requireUnstopped() {
    if (stop.getAsBoolean()) {
      throw new CancellationException();
    }
  }

  /** Writes table, numbers, plot and report of what was measured so far. */
  private void write() throws IOException {
    List<Measured> measured = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    for (StudyFolder.Run run : runs(study)) {
      Optional<Checkpoint> last = folder.run(run).newest();
      String model = last.isPresent() ? last.get().modelDigest() : null;
      add(folder.results(run.variant(), run.seed()), model, run.toString(), measured, missing);
    }
    for (String method : study.methods()) {
      String digest = Baselines.of(method).digest();
      add(folder.results(method, 0), digest, method, measured, missing);
    }
    StudyResults results = new StudyResults(study, measured, missing);
    Files.createDirectories(folder.root());
    write(folder.table(), StudyTable.markdown(results));
    JsonFile.write(folder.json(), StudyNumbers.json(results));
    String first = results.metrics().isEmpty() ? "" : results.metrics().getFirst();
    write(folder.plot(), StudyPlot.svg(results, first));
    new StudyReport(results, measuring().shown(), VersionCommand.of(device)).write(folder.report());
  }

  /**
   * What was measured of other cases or of another model, before the study's file or a run was
   * changed, is missing.
   *
   * @param model its digest; null where the run is not there any more
   */
  private void add(
      Path file, String model, String name, List<Measured> measured, List<String> missing) {
    Measured.read(file)
        .filter(one -> isOfCases(one, one.steps()))
        .filter(one -> model == null || one.model().equals(model))
        .ifPresentOrElse(measured::add, () -> missing.add(name));
  }

  private static void write(Path file, String text) throws IOException {
    AtomicFile.write(file, to -> to.write(text.getBytes(StandardCharsets.UTF_8)));
  }
}
