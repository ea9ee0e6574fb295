package nacre.cli;

import java.util.Arrays;
import java.util.function.LongSupplier;

/**
 * The time that a run has trained, and the pace of its steps. The first steps, in which Java
 * compiles and a GPU's step is captured, say nothing of the pace; nor does what comes before
 * training, such as the encoding of a data set, count as time of training.
 */
final class RunClock {
  /** Steps that say nothing of the pace. */
  static final int WARM_UP = 20;

  /** Steps after those whose pace is believed. */
  static final int MEASURED = 40;

  private final double before;
  private final LongSupplier nanoTime;
  private final long[] warmUp = new long[WARM_UP];
  private boolean running;
  private long started;
  private long last;
  private long warm;
  private long steps;

  /**
   * A clock that stands still.
   *
   * @param before seconds of training by earlier starts of the run
   */
  RunClock(double before, LongSupplier nanoTime) {
    this.before = before;
    this.nanoTime = nanoTime;
  }

  /** Training begins. */
  void start() {
    running = true;
    started = nanoTime.getAsLong();
    last = started;
  }

  /** Seconds of training so far, earlier starts included. */
  double elapsed() {
    return running ? before + (nanoTime.getAsLong() - started) / 1e9 : before;
  }

  /** A step of this start is done. */
  void step() {
    long now = nanoTime.getAsLong();
    if (steps < WARM_UP) {
      warmUp[(int) steps] = now - last;
      warm = now;
    }
    last = now;
    steps++;
  }

  /**
   * Whether the number of steps of a run of this time is to be fixed: its pace is known. Where
   * steps are slow, fewer must do once half of the time is over, and once three quarters are, any.
   */
  boolean isToBeFixed(double minutes) {
    double share = elapsed() / (60 * minutes);
    return steps >= WARM_UP + MEASURED
        || steps > WARM_UP && share >= 0.5
        || steps > 0 && share >= 0.75;
  }

  /**
   * The pace of the steps after the first ones; if there are only those, the median of their later
   * half.
   */
  double secondsPerStep() {
    if (steps > WARM_UP) {
      return (last - warm) / 1e9 / (steps - WARM_UP);
    }
    int all = (int) steps;
    long[] later = Arrays.copyOfRange(warmUp, all / 2, all);
    Arrays.sort(later);
    return later.length == 0 ? 1 : later[later.length / 2] / 1e9;
  }
}
