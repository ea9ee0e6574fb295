package nacre.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import nacre.cli.options.UserException;
import nacre.cli.output.Progress;
import nacre.cli.output.Sheet;
import nacre.neuralassets.data.ClipLocation;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.data.PairSampler;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.evaluation.Evaluation;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.RunLength;
import nacre.neuralassets.training.RunState;
import nacre.neuralassets.training.Trainer;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.weights.Aside;
import nacre.weights.AtomicFile;
import nacre.weights.JsonFile;

/** One start of a training run: from nothing or from a checkpoint, to its end or to Ctrl-C. */
final class TrainingRun {
  /** Number of checkpoints that are kept. */
  private static final int KEPT = 2;

  /** Number of scenes on the sheets that are drawn while training. */
  private static final int SHEET_ROWS = 4;

  /** Keys of eval.json besides those of {@code eval --json}. */
  private static final String STEP = "step";

  private static final String REQUESTED = "requested_pairs";

  /** The largest share of a run's time that is reserved for its evaluation. */
  private static final double MOST_EVALUATION = 0.2;

  /**
   * The settings of a run.
   *
   * @param compute type of the activations
   * @param length length of the run
   * @param data the training data
   * @param evaluationPairs number of held-out pairs to evaluate at the end, 0 for none
   * @param sheets whether to draw sheets of samples
   * @param from the checkpoint to resume from; null for a new run
   */
  record Request(
      RunFolder folder,
      Preset preset,
      Device device,
      DType compute,
      long seed,
      RunLength length,
      Duration checkpointEvery,
      ClipLocation data,
      int evaluationPairs,
      boolean sheets,
      Checkpoint from) {}

  private final Request request;
  private final DataConfig config;
  private final Scenes scenes;
  private final PrintStream out;
  private final BooleanSupplier stop;
  private ClipSource source;
  private final long started = System.nanoTime();
  private double before;
  private long total;
  private RunLock lock;
  private RunState.LossSum unlogged = RunState.LossSum.NONE;

  /** The names of the checkpoints of this run, which may be deleted when there are newer ones. */
  private final Set<String> own = new HashSet<>();

  TrainingRun(Request request, PrintStream out, BooleanSupplier stop) {
    this.request = request;
    this.out = out;
    this.stop = stop;
    config = Scenes.dataOf(request.preset());
    scenes = new Scenes(request.preset());
  }

  /**
   * Trains.
   *
   * @return whether the run was completed
   */
  boolean run() throws IOException {
    try (RunLock taken = RunLock.take(request.folder())) {
      lock = taken;
      AtomicFile.removeLeftovers(request.folder().root());
      AtomicFile.removeLeftovers(request.folder().checkpoints());
      return locked();
    }
  }

  private boolean locked() throws IOException {
    Preset preset = request.preset();
    out.println("device  " + request.device().backend().describe());
    source = source();
    ClipPool pool = new ClipPool(source, config, preset.imageSize());
    try (Trainer trainer =
        new Trainer(preset, request.device(), request.compute(), request.seed())) {
      out.printf(
          "preset  %s, %,d parameters, computed in %s%n",
          preset.name(), trainer.parameterCount(), request.compute());
      out.println("data    " + pool.describe());
      restore(trainer);
      out.printf(
          "run     %s, seed %d, %s%n", request.folder().root(), request.seed(), lengthInWords());
      pool.prepare(trainer.steps());
      return train(trainer, pool);
    }
  }

  private ClipSource source() throws IOException {
    int size = request.preset().imageSize();
    return request.data().open(new ClipSourceProvider.Request(config, size, request.seed()));
  }

  private void restore(Trainer trainer) throws IOException {
    if (request.length() instanceof RunLength.Steps(long steps)) {
      total = steps;
    }
    if (request.from() != null) {
      Checkpoint from = request.from();
      RunState state;
      try {
        state = from.state();
        from.restore(trainer);
      } catch (IOException e) {
        throw request.folder().unreadable(from, e);
      }
      before = state.elapsedSeconds();
      unlogged = state.unlogged();
      for (Checkpoint other : Checkpoint.list(request.folder().checkpoints())) {
        if (other.step() > from.step()) {
          out.printf("aside   %s, now %s%n", other.folder(), Aside.move(other.folder()));
        } else {
          own.add(other.name());
        }
      }
      out.printf("resume  %s, after %d steps%n", from.folder(), state.step());
    }
  }

  private String lengthInWords() {
    return switch (request.length()) {
      case RunLength.Minutes(double minutes) when total == 0 -> "%.4g minutes".formatted(minutes);
      default -> "%,d steps of %d pairs".formatted(total, request.preset().training().batchSize());
    };
  }

  private double elapsed() {
    return before + (System.nanoTime() - started) / 1e9;
  }

  private boolean train(Trainer trainer, ClipPool pool) throws IOException {
    Preset.Training training = trainer.preset().training();
    var diffusion =
        new PairSampler.Diffusion(
            training.dropProbability(), trainer.timesteps(), training.timestepPower());
    PairSampler sampler =
        new PairSampler(pool, config, diffusion, request.seed(), trainer.preset().imageSize());
    int images = training.batchSize();
    try (Progress progress = Progress.start(out, limit(), trainer.steps(), Memory::liveBytes);
        RunLog log =
            new RunLog(
                request.folder(),
                "Training " + trainer.preset().name(),
                trainer.preset().json(),
                trainer.steps(),
                unlogged,
                progress::note)) {
      long begun = trainer.steps();
      if (begun == 0) {
        checkpoint(trainer, log); // a run that is killed at once can be resumed as well
      }
      long saved = System.nanoTime();
      Pace pace = new Pace();
      PairBatch batch = sampler.batch(trainer.steps(), images);
      while (!stop.getAsBoolean() && (total == 0 || trainer.steps() < total)) {
        double rate = RunLength.rate(training, trainer.steps(), total);
        trainer.begin(batch, rate);
        batch = sampler.batch(trainer.steps(), images); // while a GPU computes
        double loss = trainer.loss();
        long step = trainer.steps();
        requireFinite(loss, step);
        log.step(step, loss, rate, trainer.gradientNorm(), images);
        progress.step(step, loss, images);
        pace.step();
        if (total == 0 && (step >= RunLength.PACE_STEPS || isHalfOver())) {
          fixLength(step, pace.secondsPerStep());
          progress.note("length fixed at %,d steps".formatted(total));
          saved = save(trainer, log, progress);
        } else if (System.nanoTime() - saved >= request.checkpointEvery().toNanos()) {
          saved = save(trainer, log, progress);
        }
      }
      boolean finished = total > 0 && trainer.steps() >= total;
      Checkpoint last = checkpoint(trainer, log);
      progress.finish();
      out.println("saved   " + last.folder());
      log.curve();
      return finished && conclude(trainer, log, trainer.steps() > begun);
    }
  }

  /**
   * Draws the last sheet and evaluates, unless that was done when the run was finished before.
   *
   * @param changed whether this start of the run made a step
   * @return false if stopped meanwhile
   */
  private boolean conclude(Trainer trainer, RunLog log, boolean changed) throws IOException {
    if (request.sheets() && (changed || !Files.isRegularFile(request.folder().sheet()))) {
      sheet(trainer, log);
      out.println("sheet   " + request.folder().sheet());
    }
    if (request.evaluationPairs() == 0) {
      return true;
    }
    if (!request.data().isRendered()) {
      out.println("eval    none: held-out scenes are rendered ones; see nacre eval --data");
      return true;
    }
    if (!changed && isEvaluated(trainer.steps())) {
      out.println("eval    as before: " + request.folder().evaluation());
      return true;
    }
    Sampler sampler = Sampler.of(trainer.averaged());
    PairBatch pairs = EvalCommand.heldOut(trainer.preset(), request.evaluationPairs());
    try (Progress progress = EvalCommand.progress(out, pairs.count())) {
      Evaluation evaluation =
          Evaluation.of(
              sampler,
              pairs,
              done -> {
                if (stop.getAsBoolean()) {
                  throw new CancellationException();
                }
                progress.step(done, Evaluation.BATCH);
              });
      progress.finish();
      out.println(EvalCommand.table(evaluation, sampler, EvalCommand.HELD_OUT));
      ObjectNode json = EvalCommand.json(evaluation, sampler);
      json.put(STEP, trainer.steps()).put(REQUESTED, request.evaluationPairs());
      log.evaluation(trainer.steps(), evaluation, json);
      return true;
    } catch (CancellationException e) {
      return false;
    }
  }

  /** Whether the evaluation that the folder holds is of this step, and of as many pairs. */
  private boolean isEvaluated(long step) {
    try {
      JsonNode json = JsonFile.read(request.folder().evaluation());
      return json.path(STEP).asLong(-1) == step
          && json.path(REQUESTED).asInt(-1) == request.evaluationPairs();
    } catch (IOException missingOrDamaged) {
      return false;
    }
  }

  /**
   * Draws the sheet; its last scene only provides objects. With few scenes one may appear twice.
   */
  private void sheet(Trainer trainer, RunLog log) throws IOException {
    SamplePictures pictures =
        new SamplePictures(Sampler.of(trainer.averaged()), scenes, request.seed());
    String title = "%s after %,d steps".formatted(trainer.preset().name(), trainer.steps());
    List<SceneView> views = new ArrayList<>();
    for (int i = 0; i <= SHEET_ROWS; i++) {
      views.add(
          request.data().isRendered()
              ? scenes.view(Integer.toString(i))
              : scenes.view(source, i % source.size()));
    }
    SceneView donor = views.removeLast();
    Sheet sheet = new SampleSheet(title, pictures, null).ofAllEdits(views, List.of(donor));
    log.sheet(trainer.steps(), sheet.draw(), Map.of("Title", title));
  }

  private Progress.Limit limit() {
    return total > 0 || !(request.length() instanceof RunLength.Minutes(double minutes))
        ? new Progress.Limit.Steps(total)
        : new Progress.Limit.Time(
            Duration.ofMillis((long) (minutes * 60e3)), Duration.ofMillis((long) (before * 1e3)));
  }

  /** Whether a run with a time limit has used half of it; slow steps must not make it longer. */
  private boolean isHalfOver() {
    return request.length() instanceof RunLength.Minutes(double minutes)
        && elapsed() >= minutes * 60 / 2;
  }

  private void fixLength(long step, double secondsPerStep) {
    if (request.length() instanceof RunLength.Minutes(double minutes)) {
      double left = minutes * 60 - elapsed() - evaluationSeconds(secondsPerStep, minutes);
      total = step + Math.max(0, (long) (left / secondsPerStep));
    }
  }

  /**
   * The estimated time of the evaluation, so that everything is done in time: a picture costs a
   * forward pass a sampling step, about a third of a training step's work, and twice that with
   * guidance.
   */
  private double evaluationSeconds(double secondsPerStep, double minutes) {
    Preset.Sampling sampling = request.preset().sampling();
    double forward = secondsPerStep / 3 / request.preset().training().batchSize();
    double guided = sampling.guidanceScale() == 1 ? 1 : 2;
    double pictures = 2.0 * request.evaluationPairs();
    double seconds = pictures * sampling.numInferenceSteps() * guided * forward;
    return Math.min(seconds, MOST_EVALUATION * minutes * 60);
  }

  private void requireFinite(double loss, long step) throws IOException {
    if (!Double.isFinite(loss)) {
      Optional<Checkpoint> last = request.folder().newest();
      throw new UserException(
          "training broke down: the loss of step %d is %s; lower training.learning_rate%s"
              .formatted(
                  step,
                  loss,
                  last.map(c -> " (the last checkpoint is " + c.folder() + ")").orElse("")));
    }
  }

  /** Writes a checkpoint if one is due; if that fails, the run continues with the last one. */
  private long save(Trainer trainer, RunLog log, Progress progress) throws IOException {
    long begun = System.nanoTime();
    try {
      Checkpoint written = checkpoint(trainer, log);
      progress.note("saved   " + written.folder());
    } catch (IOException e) {
      progress.note(
          "%s; training goes on, the next try is in %d minutes"
              .formatted(
                  Failure.oneLine(e.getMessage()),
                  Math.max(1, request.checkpointEvery().toMinutes())));
    }
    log.curve();
    if (request.sheets()) {
      sheet(trainer, log);
    }
    log.skipTime(System.nanoTime() - begun);
    return System.nanoTime();
  }

  private Checkpoint checkpoint(Trainer trainer, RunLog log) throws IOException {
    lock.requireHeld();
    double minutes = request.length() instanceof RunLength.Minutes(double m) ? m : 0;
    RunState state =
        new RunState(
            trainer.steps(),
            total,
            minutes,
            request.seed(),
            elapsed(),
            request.data().isRendered() ? "" : request.data().toString(),
            request.compute(),
            log.unlogged(),
            List.of());
    Path checkpoints = request.folder().checkpoints();
    Checkpoint written = Checkpoint.write(checkpoints, trainer, state);
    own.add(written.name());
    Checkpoint.prune(checkpoints, KEPT, own);
    return written;
  }

  /** The pace of the last steps, without the first ones, in which Java compiles. */
  private static final class Pace {
    private static final int WARM_UP = 20;
    private long steps;
    private long counted;
    private long from = System.nanoTime();

    void step() {
      steps++;
      counted++;
      if (steps == WARM_UP) {
        counted = 0;
        from = System.nanoTime();
      }
    }

    /** If there are only first ones, their pace. */
    double secondsPerStep() {
      return counted == 0 ? 1 : (System.nanoTime() - from) / 1e9 / counted;
    }
  }
}
