package nacre.diffusion.schedule;

import java.util.Locale;

/**
 * What samplers have in common that run the model twice for each step of theirs, but once for the
 * last: to callers each run is a step.
 */
final class TwoStage {
  private TwoStage() {}

  /** The number of times that the model runs for a number of steps. */
  static int steps(int requested) {
    return 2 * requested - 1;
  }

  /**
   * The history of a run.
   *
   * @throws IllegalArgumentException if it does not begin with a first stage
   */
  static History start(int index) {
    if (index % 2 != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "scheduler: step %d is the second stage of one; start at %d",
              index,
              index - 1));
    }
    return new History(index, 2);
  }
}
