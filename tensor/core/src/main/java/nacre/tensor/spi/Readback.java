package nacre.tensor.spi;

/** A few numbers of a device on their way to the host: {@link Backend#readLater}. */
public interface Readback {
  /** Whether they have arrived, so that {@link #floats} does not wait. */
  boolean isDone();

  /**
   * The numbers, as they were behind all work that the device had been given when they were asked
   * for. Waits for them the first time.
   */
  float[] floats();
}
