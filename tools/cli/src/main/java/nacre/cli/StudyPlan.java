package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
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
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.RunLength;
import nacre.neuralassets.training.RunState;
import nacre.neuralassets.training.Trainer;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.RandomNormal;

/**
 * What a study would do, and about how long: the times of a step of training and of one of drawing
 * are measured, with all cores and one run at a time.
 */
final class StudyPlan {
  private static final int WARM = 2;
  private static final int TIMED = 4;

  /** Steps of drawing that are timed. */
  private static final int DRAWN = 2;

  private final StudyFile study;
  private final StudyFolder folder;
  private final Device device;
  private final Map<String, Pace> paces = new HashMap<>();

  /** Seconds of a step of training, and of a picture. */
  private record Pace(double step, double picture) {}

  StudyPlan(StudyFile study, StudyFolder folder, Device device) {
    this.study = study;
    this.folder = folder;
    this.device = device;
  }

  void print(PrintStream out) throws IOException {
    double training = 0;
    double drawing = 0;
    List<StudyFolder.Run> runs = Study.runs(study);
    for (StudyFolder.Run run : runs) {
      Optional<Checkpoint> newest = folder.newest(run, study);
      double seconds = seconds(run, newest);
      training += seconds;
      boolean drawn = Files.exists(folder.results(run.variant(), run.seed()));
      drawing += drawn ? 0 : pace(run).picture * study.drawn();
      out.printf(
          Locale.ROOT,
          "  %-40s %-24s %s%n",
          run,
          state(newest),
          seconds > 0 ? "about " + words(seconds) : "");
    }
    out.printf(
        Locale.ROOT,
        "%d runs, about %s of training, and about %s to draw %d cases with each%n",
        runs.size(),
        words(training),
        words(drawing),
        study.drawn());
  }

  private static String words(double seconds) {
    return Progress.duration(Duration.ofMillis((long) (1e3 * seconds)));
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
        yield (steps - done) * (done > 0 ? state.elapsedSeconds() / done : pace(run).step);
      }
    };
  }

  private Pace pace(StudyFolder.Run run) {
    return paces.computeIfAbsent(run.variant(), _ -> measured(run.preset().preset()));
  }

  private Pace measured(Preset preset) {
    int size = preset.training().batchSize();
    PairBatch batch = HeldOut.pairs(Scenes.dataOf(preset), size, preset.imageSize());
    try (Trainer trainer = new Trainer(preset, device, DType.F32, 0);
        Scope _ = Scope.open()) {
      double step = seconds(() -> trainer.step(batch, 0));
      Sampler sampler = new Sampler(trainer.averaged(), DRAWN, preset.sampling().guidanceScale());
      int side = preset.sampleSize();
      Shape shape = Shape.of(size, side, side, preset.sampleChannels());
      double drawn =
          seconds(
              () -> {
                try (Scope _ = Scope.open()) {
                  Tensor noise = RandomNormal.normal(device, shape, 0, 0);
                  sampler.sample(batch.conditioning(), noise).toFloats();
                }
              });
      double steps = (double) preset.sampling().numInferenceSteps() / DRAWN;
      return new Pace(step, drawn * steps / size);
    }
  }

  /** Seconds of some work, once it is warm. */
  private static double seconds(Runnable work) {
    long begun = 0;
    for (int time = 0; time < WARM + TIMED; time++) {
      begun = time == WARM ? System.nanoTime() : begun;
      work.run();
    }
    return (System.nanoTime() - begun) / 1e9 / TIMED;
  }
}
