package nacre.lab.gpu;

import java.io.IOException;
import java.time.Duration;

/**
 * A part of the check, independent of the others, so that its failure does not affect them.
 *
 * @param name as {@code --only} takes it
 * @param title what it does
 * @param limit how long it may take
 */
record Part(String name, String title, Duration limit, Job job) {
  /** The work of a part: it runs programs, and judges by their output. */
  interface Job {
    /**
     * Runs the part.
     *
     * @throws OutOfTime if a program was stopped
     */
    Finding run(Workbench bench) throws IOException, InterruptedException;
  }

  /** The error of a program that exceeded the part's time limit. */
  static final class OutOfTime extends IOException {
    private static final long serialVersionUID = 1;

    OutOfTime(String command) {
      super(command + " was stopped");
    }
  }

  /** Whether {@code --only} with this word selects this part: by its name, or by its kind. */
  boolean isMeantBy(String word) {
    return name.equals(word) || name.startsWith(word + "-");
  }
}
