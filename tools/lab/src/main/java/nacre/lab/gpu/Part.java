package nacre.lab.gpu;

import java.io.IOException;
import java.time.Duration;

/**
 * One thing that is checked, on its own, so that its failure ends nothing else.
 *
 * @param name as {@code --only} takes it
 * @param title what it does
 * @param limit how long it may take
 */
record Part(String name, String title, Duration limit, Job job) {
  /** What there is to do: programs to run, and to judge by what they print. */
  interface Job {
    /**
     * Does it.
     *
     * @throws OutOfTime if a program was stopped
     */
    Finding run(Workbench bench) throws IOException, InterruptedException;
  }

  /** A program took longer than the part may. */
  static final class OutOfTime extends IOException {
    private static final long serialVersionUID = 1;

    OutOfTime(String command) {
      super(command + " was stopped");
    }
  }

  /** Whether {@code --only} with this word means this part: by its name, or by all of a kind. */
  boolean isMeantBy(String word) {
    return name.equals(word) || name.startsWith(word + "-");
  }
}
