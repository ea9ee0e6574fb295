package nacre.cli;

import java.util.concurrent.CountDownLatch;

/**
 * Ctrl-C and {@code kill} while a run must not be broken off anywhere: the JVM's end is held up
 * until the run has come to a good place, and the exit status is the JVM's own for the signal, 130
 * or 143.
 */
final class StopSignal implements AutoCloseable {
  private final CountDownLatch done = new CountDownLatch(1);
  private final Thread hook = Thread.ofPlatform().name("stop signal").unstarted(this::hold);
  private volatile boolean requested;

  /** Takes effect at once. */
  StopSignal() {
    Runtime.getRuntime().addShutdownHook(hook);
  }

  private void hold() {
    requested = true;
    try {
      done.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether the run is to stop at the next good place. */
  boolean requested() {
    return requested;
  }

  /** Lets the JVM end. */
  @Override
  public void close() {
    done.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException alreadyShuttingDown) {
      // The hook runs, and has just been let go.
    }
  }
}
