package nacre.tensor;

/**
 * A stretch of work of one thread that has a name in a device's profiler, from {@link Device#range}
 * to {@link #close}. Ranges of a thread close in the opposite order to that in which they opened.
 */
@FunctionalInterface
public interface Range extends AutoCloseable {
  /** One that no profiler sees. */
  Range NONE = () -> {};

  @Override
  void close();
}
