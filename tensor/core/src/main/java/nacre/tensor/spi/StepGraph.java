package nacre.tensor.spi;

/**
 * Work made ready to be done again and again on the same tensors. Used, and closed, by one thread.
 */
public interface StepGraph extends AutoCloseable {
  /** Does the work once more. */
  void run();

  /** Gives back what was kept for it. */
  @Override
  default void close() {}
}
