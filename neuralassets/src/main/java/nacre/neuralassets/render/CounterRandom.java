package nacre.neuralassets.render;

/**
 * A small counter-based random generator (SplitMix64), whose stream is a pure function of its keys,
 * so that clip 1,000 can be made without the 999 before it, on any thread, always the same.
 */
final class CounterRandom {
  private static final long GAMMA = 0x9E3779B97F4A7C15L;

  private final long key;
  private long counter;

  CounterRandom(long seed, long stream) {
    key = mix(mix(seed) + GAMMA * (2 * stream + 1));
  }

  /** Scrambles 64 bits; the finalizer of SplitMix64. */
  static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  long nextLong() {
    return mix(key + GAMMA * ++counter);
  }

  /** Uniform in [0, 1). */
  double nextDouble() {
    return (nextLong() >>> 11) * 0x1p-53;
  }

  /** Uniform in [0, bound). */
  int nextInt(int bound) {
    return (int) (nextDouble() * bound);
  }

  double between(double low, double high) {
    return low + (high - low) * nextDouble();
  }

  double in(SceneConfig.Range range) {
    return between(range.min(), range.max());
  }

  boolean chance(double probability) {
    return nextDouble() < probability;
  }

  double sign() {
    return chance(0.5) ? 1 : -1;
  }

  <T> T pick(T[] items) {
    return items[nextInt(items.length)];
  }
}
