package nacre.tensor.cpu;

/** The threads that loops of this backend are spread over. */
interface Team {
  /** Part of a loop: items {@code from} (inclusive) to {@code to} (exclusive). */
  interface Part {
    void run(long from, long to);
  }

  /** How many threads share the work. */
  int threads();

  /** Whether the library, called by a member, computes on that member alone. */
  boolean runsLibrary();

  /** Which threads these are, for the start-up line. */
  String describe();

  /** Runs {@code part(t)} once for each thread number, at the same time, and waits for all. */
  void runAll(java.util.function.IntConsumer part);

  /**
   * Splits items [0, n) into one contiguous range a thread.
   *
   * @param worth whether the work is worth waking the others; small loops run on the caller
   */
  default void split(long n, boolean worth, Part part) {
    int threads = (int) Math.min(n, threads());
    if (!worth || threads <= 1) {
      if (n > 0) {
        part.run(0, n);
      }
      return;
    }
    runAll(
        t -> {
          if (t < threads) {
            part.run(n * t / threads, n * (t + 1) / threads);
          }
        });
  }
}
