package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import nacre.cli.output.Progress;
import nacre.evaluation.study.StudyFile;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.RunLength;
import nacre.neuralassets.training.RunState;
import nacre.neuralassets.training.Trainer;
import nacre.tensor.DType;
import nacre.tensor.Device;

/** What a study would do, and about how long its runs would train. */
final class StudyPlan {
  private static final int WARM = 2;
  private static final int TIMED = 4;

  private final StudyFile study;
  private final StudyFolder folder;
  private final Device device;
  private final Map<String, Double> paces = new HashMap<>();

  StudyPlan(StudyFile study, StudyFolder folder, Device device) {
    this.study = study;
    this.folder = folder;
    this.device = device;
  }

  void print(PrintStream out) throws IOException {
    double left = 0;
    List<StudyFolder.Run> runs = Study.runs(study);
    for (StudyFolder.Run run : runs) {
      Optional<Checkpoint> newest = folder.newest(run, study);
      double seconds = seconds(run, newest);
      left += seconds;
      out.printf(
          Locale.ROOT,
          "  %-40s %-24s %s%n",
          run,
          state(newest),
          seconds > 0
              ? "about " + Progress.duration(Duration.ofMillis((long) (1e3 * seconds)))
              : "");
    }
    out.printf(
        Locale.ROOT,
        "%d runs, about %s of training; then %d cases are drawn with each, and with %d methods%n",
        runs.size(),
        Progress.duration(Duration.ofMillis((long) (1e3 * left))),
        study.cases(),
        study.methods().size());
  }

  private static String state(Optional<Checkpoint> newest) throws IOException {
    if (newest.isEmpty()) {
      return "not begun";
    }
    RunState state = newest.get().state();
    return StudyFolder.isFinished(newest.get())
        ? String.format(Locale.ROOT, "trained, %,d steps", state.step())
        : String.format(Locale.ROOT, "stopped after %,d steps", state.step());
  }

  /** Seconds of training that are left. */
  private double seconds(StudyFolder.Run run, Optional<Checkpoint> newest) throws IOException {
    if (newest.isPresent() && StudyFolder.isFinished(newest.get())) {
      return 0;
    }
    RunState state = newest.isPresent() ? newest.get().state() : null;
    return switch (study.length()) {
      case RunLength.Minutes(double minutes) ->
          Math.max(0, minutes * 60 - (state == null ? 0 : state.elapsedSeconds()));
      case RunLength.Steps(long steps) -> {
        long done = state == null ? 0 : state.step();
        yield (steps - done)
            * (done > 0
                ? state.elapsedSeconds() / done
                : paces.computeIfAbsent(run.variant(), _ -> pace(run.preset().preset())));
      }
    };
  }

  /** Seconds of a step, measured. */
  private double pace(Preset preset) {
    PairBatch batch =
        HeldOut.pairs(Scenes.dataOf(preset), preset.training().batchSize(), preset.imageSize());
    try (Trainer trainer = new Trainer(preset, device, DType.F32, 0)) {
      long begun = 0;
      for (int step = 0; step < WARM + TIMED; step++) {
        begun = step == WARM ? System.nanoTime() : begun;
        trainer.step(batch, 0);
      }
      return (System.nanoTime() - begun) / 1e9 / TIMED;
    }
  }
}
