package nacre.cli;

import java.io.IOException;
import java.nio.file.Path;

/** Whether a run is being trained, by whichever process. */
public final class RunActivity {
  private RunActivity() {}

  /**
   * Whether another process trains in a folder: whether it has the run's lock. A process that
   * trains there itself must not ask, since systems may take its lock for that.
   *
   * @param run the run's folder
   */
  public static boolean isTrainedElsewhere(Path run) throws IOException {
    return RunLock.isHeld(run);
  }
}
