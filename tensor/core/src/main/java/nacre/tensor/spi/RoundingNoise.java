package nacre.tensor.spi;

/**
 * The random bits of stochastic rounding: a function of seed, tensor, step and element alone, the
 * same on every device. A number is rounded up as often as it is far from the lower neighbor, so
 * that what is added again and again is not lost however small it is beside the sum (Gupta et al.,
 * "Deep Learning with Limited Numerical Precision", 2015).
 *
 * <p>The bits come from an integer hash rather than from Philox: sixteen for each rounded number,
 * at the pace of memory.
 */
public final class RoundingNoise {
  private RoundingNoise() {}

  /** The seed of one of several lists of tensors, each of which numbers its own. */
  public static long seed(long seed, int list) {
    return seed * 0x9E3779B97F4A7C15L + list;
  }

  /** The key of one tensor's elements in one step. */
  public static int key(long seed, int tensor, int step) {
    return hash(step + hash(tensor + hash((int) seed ^ hash((int) (seed >>> 32)))));
  }

  /** The 32 bits of an element; the lower and the upper half serve one number each. */
  public static int bits(int key, long element) {
    return hash((int) element * 0x9E3779B9 + key);
  }

  /** The key of further bits of the same elements, which round the parameter itself. */
  public static int others(int key) {
    return hash(key ^ 0x68e31da4);
  }

  /** Mixes all bits: two rounds of multiplication and shift. */
  private static int hash(int x) {
    x ^= x >>> 16;
    x *= 0x7feb352d;
    x ^= x >>> 15;
    x *= 0x846ca68b;
    return x ^ (x >>> 16);
  }

  /** Rounds to one of the two neighboring bf16, by 16 random bits; NaN stays NaN. */
  public static float toBf16(float x, int sixteen) {
    int bits = Float.floatToRawIntBits(x);
    return Float.isNaN(x) ? x : Float.intBitsToFloat((bits + (sixteen & 0xffff)) & 0xffff0000);
  }
}
