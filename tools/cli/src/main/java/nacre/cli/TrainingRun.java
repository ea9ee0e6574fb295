package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import nacre.cli.options.UserException;
import nacre.cli.output.Progress;
import nacre.cli.ranks.Ranks;
import nacre.cli.ranks.StepReport;
import nacre.diffusion.NotFiniteException;
import nacre.neuralassets.data.ClipLocation;
import nacre.neuralassets.model.AutoencoderPreset;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.TrainingConfig;
import nacre.neuralassets.model.TrainingPreset;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.RunLength;
import nacre.neuralassets.training.RunState;
import nacre.neuralassets.training.StepNumbers;
import nacre.neuralassets.training.TrainedModel;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.DeviceMemoryException;
import nacre.tensor.Memory;

/** One start of a training run: from nothing or from a checkpoint, to its end or to Ctrl-C. */
final class TrainingRun {
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
   * @param latents folder of the cache of latents; null for none
   * @param reading how the data set is read
   * @param fresh whether an earlier run in the folder is moved aside
   * @param from the checkpoint to resume from; null for a new run
   * @param ranks the processes that train together
   */
  record Request(
      RunFolder folder,
      TrainingPreset preset,
      Device device,
      DType compute,
      long seed,
      RunLength length,
      Duration checkpointEvery,
      ClipLocation data,
      int evaluationPairs,
      boolean sheets,
      Path latents,
      Reading reading,
      boolean fresh,
      Checkpoint from,
      Ranks ranks) {}

  private final Request request;
  private final Ranks ranks;
  private final PrintStream out;
  private final BooleanSupplier stop;

  private UncheckedIOException unreadable;
  private String failure = "";

  /** The step whose loss on held-out clips was logged last, and that loss. */
  private long validated = -1;

  private OptionalDouble validation = OptionalDouble.empty();

  private RunClock clock = new RunClock(0, System::nanoTime);
  private long total;
  private RunCheckpoints checkpoints;
  private RunState.LossSum unlogged = RunState.LossSum.NONE;

  TrainingRun(Request request, PrintStream out, BooleanSupplier stop) {
    this.request = request;
    this.ranks = request.ranks();
    this.out = out;
    this.stop = stop;
  }

  /**
   * Trains.
   *
   * @return whether the run was completed
   */
  boolean run() throws IOException {
    try (RunCheckpoints opened = RunCheckpoints.open(request)) {
      checkpoints = opened;
      ranks.onLoss(opened::last);
      return begin();
    } catch (DeviceMemoryException e) {
      throw new MemoryCheck(request).exhausted(e);
    }
  }

  private boolean begin() throws IOException {
    out.println("device  " + request.device().backend().describe());
    if (ranks.several()) {
      out.printf(Locale.ROOT, "ranks   %d, %s%n", ranks.ranks(), ranks.describe(request.device()));
    }
    return switch (request.preset()) {
      case Preset preset -> run(new AssetsWorkload(request, preset, out, stop));
      case AutoencoderPreset preset -> run(new AutoencoderWorkload(request, preset, out, stop));
    };
  }

  private <B> boolean run(Workload<B> work) throws IOException {
    try (work) {
      out.printf(
          Locale.ROOT,
          "preset  %s, %,d parameters, computed in %s%n",
          request.preset().name(),
          work.model().parameterCount(),
          request.compute());
      String label = "data    ";
      for (String line : work.data().describe()) {
        out.println(label + line);
        label = "        ";
      }
      restore(work);
      if (ranks.several()) {
        ranks.requireSame("settings, data or weights", SameRun.digest(request, work));
      }
      out.printf(
          Locale.ROOT,
          "run     %s, seed %d, %s%n",
          request.folder().root(),
          request.seed(),
          lengthInWords(work.unit()));
      boolean prepared = work.prepare(work.model().steps());
      checkpoints.makeRoom(out); // all that can refuse the run has passed
      if (!prepared) {
        checkpoint(work, unlogged); // so that the run can be resumed
        return false;
      }
      return train(work);
    }
  }

  private void restore(Workload<?> work) throws IOException {
    if (request.length() instanceof RunLength.Steps(long steps)) {
      total = steps;
    }
    if (request.from() == null) {
      work.begin().forEach(out::println);
    }
    if (request.from() != null) {
      RunState state = checkpoints.restore(work.model());
      clock = new RunClock(state.elapsedSeconds(), System::nanoTime);
      if (request.length() instanceof RunLength.Minutes) {
        total = state.totalSteps();
      }
      unlogged = state.unlogged();
      out.printf(
          Locale.ROOT, "resume  %s, after %d steps%n", request.from().folder(), state.step());
    }
  }

  private String lengthInWords(String unit) {
    return switch (request.length()) {
      case RunLength.Minutes(double minutes) when total == 0 ->
          BigDecimal.valueOf(minutes).stripTrailingZeros().toPlainString() + " minutes";
      default ->
          String.format(
              Locale.ROOT,
              "%,d steps of %d %s",
              total,
              request.preset().training().batchSize(),
              unit);
    };
  }

  private <B> boolean train(Workload<B> work) throws IOException {
    TrainedModel<B> trainer = work.model();
    TrainingConfig training = trainer.preset().training();
    int images = training.batchSize();
    clock.start();
    try (Progress progress = Progress.start(out, limit(), trainer.steps(), Memory::liveBytes);
        RunLog log =
            new RunLog(
                ranks.isFirst() ? request.folder() : null,
                "Training " + trainer.preset().name(),
                trainer.preset().json(),
                trainer.steps(),
                unlogged,
                progress::note)) {
      long first = trainer.steps();
      if (first == 0) {
        checkpoint(work, log.unlogged()); // a run that is killed at once can be resumed as well
      }
      long saved = System.nanoTime();
      B batch = isOver(work) ? null : work.batch(trainer.steps());
      boolean stops = !ranks.several() && stop.getAsBoolean();
      Begun late = null; // what a GPU computes while the next step is begun
      while (batch != null && !isOver(work) && !stops) {
        ranks.step();
        double rate = RunLength.rate(training, trainer.steps(), total);
        trainer.begin(batch, rate);
        Begun begun = new Begun(trainer.steps(), rate, trainer.numbers());
        batch = isOver(work) ? null : next(work, log); // while a GPU computes
        if (late != null) {
          account(late, false, saved, log, progress, images);
          late = null;
        }
        if (ranks.several()) {
          begun.numbers.loss(); // waited for: all decide together how to go on
        }
        clock.step();
        boolean fixes = total == 0 && fixLength(work, begun.step);
        boolean judges = begun.step % work.data().config().validationSteps() == 0;
        if (!begun.numbers.isReady() && !fixes && !judges && goesOn(saved)) {
          late = begun;
          continue;
        }
        StepReport.Sum all = account(begun, fixes, saved, log, progress, images);
        stops = all.stops() || !all.failure().isEmpty();
        failure = all.failure();
        if (judges) {
          validate(work, log);
        }
        if (fixes) {
          progress.note(String.format(Locale.ROOT, "length fixed at %,d steps", total));
        }
        if (all.saves()) {
          saved = save(work, log, progress);
        }
      }
      if (late != null) {
        account(late, false, saved, log, progress, images);
      }
      ranks.pause();
      boolean finished = isOver(work);
      Checkpoint last = checkpoint(work, log.unlogged());
      progress.finish();
      if (ranks.several() && trainer.steps() > first) {
        out.println("sent    " + ranks.traffic(request.device(), trainer.steps() - first));
      }
      int bad = work.data().bad().count();
      if (bad > 0) {
        String clips = bad == 1 ? "clip" : "clips";
        out.printf(Locale.ROOT, "data    left out: %,d %s that cannot be read%n", bad, clips);
      }
      out.println("saved   " + last.folder());
      if (unreadable != null && !ranks.several()) {
        throw unreadable;
      }
      if (!failure.isEmpty()) {
        throw new UserException(failure);
      }
      boolean changed = trainer.steps() > first;
      if (finished && changed) {
        OptionalDouble loss = validate(work, log);
        if (loss.isPresent()) {
          out.printf(Locale.ROOT, "loss    %.4g on the held-out clips%n", loss.getAsDouble());
        }
      }
      log.curve();
      return finished && work.conclude(log, changed);
    }
  }

  /** Whether all steps are done. No batch is made beyond them, which might be one that fails. */
  private boolean isOver(Workload<?> work) {
    return total > 0 && work.model().steps() >= total;
  }

  /**
   * The next batch; what it takes to have it is logged; null where a clip cannot be read, which
   * ends the run after its step.
   */
  private <B> B next(Workload<B> work, RunLog log) {
    long asked = System.nanoTime();
    try {
      return work.batch(work.model().steps());
    } catch (UncheckedIOException e) {
      unreadable = e;
      return null;
    } finally {
      log.waited(System.nanoTime() - asked);
    }
  }

  /** A step that was begun, and its numbers once it is done. */
  private record Begun(long step, double rate, StepNumbers numbers) {}

  /** Whether nothing is asked for that wants the last step to be done. */
  private boolean goesOn(long saved) {
    return unreadable == null && !stop.getAsBoolean() && !isSaveDue(saved);
  }

  private boolean isSaveDue(long saved) {
    return System.nanoTime() - saved >= request.checkpointEvery().toNanos();
  }

  /**
   * Waits for a step, and logs it. Every step is looked at before the next checkpoint.
   *
   * @throws UserException if the loss is no finite number
   */
  private StepReport.Sum account(
      Begun begun, boolean fixes, long saved, RunLog log, Progress progress, int images) {
    StepReport.Sum all = report(begun.numbers.loss(), fixes, saved).exchange(ranks);
    total = all.total();
    requireFinite(all, begun.step);
    log.step(begun.step, all.loss(), begun.rate, begun.numbers.gradientNorm(), images);
    progress.step(begun.step, all.loss(), images);
    return all;
  }

  private StepReport report(double loss, boolean fixes, long saved) {
    return new StepReport(
        loss,
        stop.getAsBoolean(),
        unreadable == null ? "" : Failure.describe(unreadable),
        total,
        fixes || isSaveDue(saved));
  }

  /** Logs the loss on held-out clips, once a step. */
  private OptionalDouble validate(Workload<?> work, RunLog log) throws IOException {
    long step = work.model().steps();
    if (step != validated) {
      ranks.pause();
      long begun = System.nanoTime();
      validation = work.validate();
      validated = step;
      validation.ifPresent(loss -> log.validation(step, loss));
      log.skipTime(System.nanoTime() - begun);
    }
    return validation;
  }

  private Progress.Limit limit() {
    return total > 0 || !(request.length() instanceof RunLength.Minutes(double minutes))
        ? new Progress.Limit.Steps(total)
        : new Progress.Limit.Time(
            Duration.ofMillis((long) (minutes * 60e3)),
            Duration.ofMillis((long) (clock.elapsed() * 1e3)));
  }

  /**
   * Fixes the length of a run that was given in time, as soon as its pace is known, so that
   * everything is done in time, the evaluation included.
   *
   * @return whether it is fixed now
   */
  private boolean fixLength(Workload<?> work, long step) {
    if (!ranks.isFirst()
        || !(request.length() instanceof RunLength.Minutes(double minutes))
        || !clock.isToBeFixed(minutes)) {
      return false;
    }
    double pace = clock.secondsPerStep();
    double concluding = Math.min(work.concludingSeconds(pace), MOST_EVALUATION * minutes * 60);
    double left = minutes * 60 - clock.elapsed() - concluding;
    total = step + Math.max(0, (long) (left / pace));
    return true;
  }

  private void requireFinite(StepReport.Sum all, long step) {
    if (all.broken() >= 0) {
      throw new UserException(
          String.format(
              Locale.ROOT,
              "training broke down: the loss of step %d is %s%s; lower training.learning_rate%s",
              step,
              all.loss(),
              ranks.several() ? " on rank " + all.broken() : "",
              checkpoints.last()));
    }
  }

  /** Writes a checkpoint if one is due; if that fails, the run continues with the last one. */
  private long save(Workload<?> work, RunLog log, Progress progress) throws IOException {
    long begun = System.nanoTime();
    ranks.pause();
    try {
      Checkpoint written = checkpoint(work, log.unlogged());
      progress.note("saved   " + written.folder());
    } catch (IOException e) {
      progress.note(
          String.format(
              Locale.ROOT,
              "%s; training goes on, the next try is in %d minutes",
              Failure.oneLine(e.getMessage()),
              Math.max(1, request.checkpointEvery().toMinutes())));
    }
    log.curve();
    if (request.sheets() && ranks.isFirst()) {
      try {
        work.sheet(log);
      } catch (IOException | UncheckedIOException | NotFiniteException e) {
        progress.note("no sheet: " + Failure.describe(e) + "; training goes on");
      }
    }
    log.skipTime(System.nanoTime() - begun);
    return System.nanoTime();
  }

  private Checkpoint checkpoint(Workload<?> work, RunState.LossSum open) throws IOException {
    double minutes = request.length() instanceof RunLength.Minutes(double m) ? m : 0;
    RunState state =
        new RunState(
            work.model().steps(),
            total,
            minutes,
            request.seed(),
            clock.elapsed(),
            request.data().isRendered() ? "" : request.data().toString(),
            request.compute(),
            open,
            work.data().split().heldOut().ids());
    return checkpoints.write(work.model(), state);
  }
}
