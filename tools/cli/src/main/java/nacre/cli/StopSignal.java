package nacre.cli;

import java.util.concurrent.CountDownLatch;

/**
 * The handling of Ctrl-C and {@code kill} during a run: the JVM's shutdown is delayed until the run
 * has reached a safe point, and the exit status is the JVM's own for the signal, 130 or 143.
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

  /** Whether the run should stop at the next safe point. */
  boolean requested() {
    return requested;
  }

  /** Lets the JVM shut down. */
  @Override
  public void close() {
    done.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException alreadyShuttingDown) {
      // The shutdown hook is running, and has just been released.
    }
  }
}
