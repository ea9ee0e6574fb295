package nacre.tensor;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts what tensors hold. Both counts return to where they were when every scope has closed;
 * tests end with them at zero.
 */
public final class Memory {
  private static final AtomicLong LIVE_BLOCKS = new AtomicLong();
  private static final AtomicLong LIVE_BYTES = new AtomicLong();
  private static final AtomicLong PEAK_BYTES = new AtomicLong();
  private static volatile boolean poison;

  private Memory() {}

  /** Memory blocks that belong to open tensors (views share one). */
  public static long liveTensors() {
    return LIVE_BLOCKS.get();
  }

  /** Bytes in those blocks. */
  public static long liveBytes() {
    return LIVE_BYTES.get();
  }

  /** The largest {@link #liveBytes()} seen since the last {@link #resetPeak()}. */
  public static long peakBytes() {
    return PEAK_BYTES.get();
  }

  /** Starts a new peak at the present count. */
  public static void resetPeak() {
    PEAK_BYTES.set(LIVE_BYTES.get());
  }

  /**
   * Makes every new tensor start as NaN (all bits set) rather than as whatever the memory held, so
   * that an element an operation forgot to write shows. For tests.
   */
  public static void poisonNewTensors(boolean on) {
    poison = on;
  }

  static boolean poison() {
    return poison;
  }

  static void born(long bytes) {
    LIVE_BLOCKS.incrementAndGet();
    PEAK_BYTES.accumulateAndGet(LIVE_BYTES.addAndGet(bytes), Math::max);
  }

  static void died(long bytes) {
    LIVE_BLOCKS.decrementAndGet();
    LIVE_BYTES.addAndGet(-bytes);
  }
}
