package nacre.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import nacre.cli.options.UserException;
import nacre.evaluation.study.Measured;
import nacre.evaluation.study.StudyFile;
import nacre.neuralassets.model.PresetDifference;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.RunLength;
import nacre.neuralassets.training.RunState;

/**
 * The folder of a study: {@code runs/VARIANT-seedN} are ordinary runs, {@code drawn} has the
 * pictures of each method, {@code results} what was measured of them, a file for each, and beside
 * them lie the table, the plot and the report of all.
 */
record StudyFolder(Path root) {
  /** A run of the study. */
  record Run(String variant, StudyFile.Variant preset, long seed) {
    /** The name of its folder. */
    String name() {
      return variant + "-seed" + seed;
    }

    @Override
    public String toString() {
      return variant + ", seed " + seed;
    }
  }

  RunFolder run(Run run) {
    return new RunFolder(root.resolve("runs").resolve(run.name()));
  }

  Path drawn() {
    return root.resolve("drawn");
  }

  /** The same of pairs of frames. */
  Path pairs() {
    return root.resolve("drawn-pairs");
  }

  Path results(String method, long seed) {
    return root.resolve("results").resolve(Measured.file(method, seed));
  }

  /** All that is drawn and measured of a method that needs no training. */
  List<Path> of(String method) {
    return Stream.of(drawn().resolve(method), pairs().resolve(method), results(method, 0))
        .filter(Files::exists)
        .toList();
  }

  /** What the process of a run prints. */
  Path log(Run run) {
    return root.resolve("logs").resolve(run.name() + ".txt");
  }

  Path table() {
    return root.resolve("table.md");
  }

  Path json() {
    return root.resolve("results.json");
  }

  Path report() {
    return root.resolve("report.html");
  }

  Path plot() {
    return root.resolve("plot.svg");
  }

  /**
   * The newest checkpoint of a run.
   *
   * @throws UserException if the run is of another preset or length than the study asks for
   */
  Optional<Checkpoint> newest(Run run, StudyFile study) throws IOException {
    Optional<Checkpoint> newest = run(run).newest();
    if (newest.isPresent()) {
      requireSame(run, newest.get(), study);
    }
    return newest;
  }

  private void requireSame(Run run, Checkpoint checkpoint, StudyFile study) throws IOException {
    RunState state = checkpoint.state();
    Optional<PresetDifference> difference =
        PresetDifference.of(run.preset.file(), checkpoint.preset(), Set.of());
    String other = difference.map(PresetDifference::describe).orElse(null);
    boolean same =
        switch (study.length()) {
          case RunLength.Steps(long steps) -> state.minutes() == 0 && state.totalSteps() == steps;
          case RunLength.Minutes(double minutes) -> state.minutes() == minutes;
        };
    if (other == null && !same) {
      other = "its length is another, " + length(state);
    }
    if (other != null) {
      throw new UserException(
          String.format(
              Locale.ROOT,
              "%s began as another study says: %s; give another --out, or move away the run, and"
                  + " what is drawn and measured of it",
              run(run).root(),
              other));
    }
  }

  private static String length(RunState state) {
    return state.minutes() > 0 ? state.minutes() + " minutes" : state.totalSteps() + " steps";
  }

  /** Whether a run has reached its end. */
  static boolean isFinished(Checkpoint checkpoint) throws IOException {
    RunState state = checkpoint.state();
    return state.totalSteps() > 0 && state.step() >= state.totalSteps();
  }
}
