package nacre.evaluation.baseline;

/** The seeds of single cases. */
final class Seeds {
  private Seeds() {}

  /** The seed of a case: another one for each seed and number (the finalizer of SplitMix64). */
  static long of(long seed, long number) {
    long z = seed + (number + 1) * 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
