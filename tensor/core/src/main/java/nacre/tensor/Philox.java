package nacre.tensor;

/**
 * Counter-based random numbers: Philox 4×32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011). Pure functions of seed, stream and element number, so
 * that every device, in whatever order it works, makes the same numbers bit for bit.
 *
 * <p><b>Words.</b> Elements {@code 4b … 4b + 3} are made from block {@code b}, which is the
 * ten-round Philox of the counter {@code (low b, high b, low stream, high stream)} under the key
 * {@code (low seed, high seed)}, where low and high are the 32-bit halves. Word {@code j} of a
 * block serves element {@code 4b + j}.
 *
 * <p><b>Uniform.</b> From word {@code w}, {@code k = (w >>> 8) + 1}, and the number is {@code k ·
 * 2⁻²⁴}, exact in f32 and in (0, 1].
 *
 * <p><b>Normal.</b> By Box and Muller from the uniform numerators k₀, k₁ of elements 2p and 2p + 1,
 * in f64 with additions, multiplications, divisions and square roots only, each rounded to nearest,
 * never fused, in the order of {@link #radius} and {@link #sine}, {@link #cosine}: element 2p is
 * {@code (float) (radius(k₀) · cosine(k₁))}, element 2p + 1 is {@code (float) (radius(k₀) ·
 * sine(k₁))}. No library's logarithm or sine takes part, as those differ in the last bit between
 * platforms.
 */
public final class Philox {
  private static final int MULTIPLIER_0 = 0xD2511F53;
  private static final int MULTIPLIER_1 = 0xCD9E8D57;
  private static final int WEYL_0 = 0x9E3779B9;
  private static final int WEYL_1 = 0xBB67AE85;
  private static final int ROUNDS = 10;

  private static final double LN_2 = 0.6931471805599453; // 0x1.62e42fefa39efp-1
  private static final double SQRT_2 = 1.4142135623730951; // 0x1.6a09e667f3bcdp0
  private static final double TWO_PI_2_24 = 6.283185307179586 * 0x1p-24;

  private Philox() {}

  /**
   * Ten rounds of Philox 4×32.
   *
   * @param out takes the four words, from {@code at}
   */
  public static void block(
      int counter0,
      int counter1,
      int counter2,
      int counter3,
      int key0,
      int key1,
      int[] out,
      int at) {
    int c0 = counter0;
    int c1 = counter1;
    int c2 = counter2;
    int c3 = counter3;
    int k0 = key0;
    int k1 = key1;
    for (int round = 0; round < ROUNDS; round++) {
      long p0 = (MULTIPLIER_0 & 0xFFFFFFFFL) * (c0 & 0xFFFFFFFFL);
      long p1 = (MULTIPLIER_1 & 0xFFFFFFFFL) * (c2 & 0xFFFFFFFFL);
      c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
      c1 = (int) p1;
      c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
      c3 = (int) p0;
      k0 += WEYL_0;
      k1 += WEYL_1;
    }
    out[at] = c0;
    out[at + 1] = c1;
    out[at + 2] = c2;
    out[at + 3] = c3;
  }

  /** The four words of block {@code block} of a seed and stream, into {@code out} from 0. */
  public static void block(long seed, long stream, long block, int[] out) {
    block(
        (int) block,
        (int) (block >>> 32),
        (int) stream,
        (int) (stream >>> 32),
        (int) seed,
        (int) (seed >>> 32),
        out,
        0);
  }

  /** Fills {@code out} with uniform numbers, elements {@code first …}. */
  public static void uniform(long seed, long stream, long first, float[] out) {
    int[] words = new int[4];
    for (int i = 0; i < out.length; i++) {
      long element = first + i;
      if (i == 0 || (element & 3) == 0) {
        block(seed, stream, element >>> 2, words);
      }
      out[i] = numerator(words[(int) (element & 3)]) * 0x1p-24f;
    }
  }

  /** Fills {@code out} with normal numbers, elements {@code first …}. */
  public static void normal(long seed, long stream, long first, float[] out) {
    int[] words = new int[4];
    for (int i = 0; i < out.length; i++) {
      long element = first + i;
      if (i == 0 || (element & 3) == 0) {
        block(seed, stream, element >>> 2, words);
      }
      int pair = (int) (element & 2);
      double radius = radius(numerator(words[pair]));
      int angle = numerator(words[pair + 1]);
      out[i] = (float) (radius * ((element & 1) == 0 ? cosine(angle) : sine(angle)));
    }
  }

  /** The numerator k in 1 … 2²⁴ of the uniform number k · 2⁻²⁴ that a word stands for. */
  static int numerator(int word) {
    return (word >>> 8) + 1;
  }

  /**
   * √(−2 ln u), u = k · 2⁻²⁴. With u = m · 2ᵉ and √½ &lt; m ≤ √2, and s = (m − 1) / (m + 1): ln u =
   * e · ln 2 + 2 s (1 + s²/3 + s⁴/5 + … + s²⁰/21), the polynomial in s² by Horner from the highest
   * coefficient 1.0 / 21 down to 1.0, each coefficient the rounded quotient.
   */
  static double radius(int k) {
    int exponent = 31 - Integer.numberOfLeadingZeros(k);
    double m = k / (double) (1 << exponent);
    exponent -= 24;
    if (m > SQRT_2) {
      m *= 0.5;
      exponent++;
    }
    double s = (m - 1) / (m + 1);
    double z = s * s;
    double p = 1.0 / 21;
    for (int n = 19; n >= 1; n -= 2) {
      p = p * z + 1.0 / n;
    }
    double log = exponent * LN_2 + 2 * s * p;
    return Math.sqrt(-2 * log);
  }

  /** cos(2π k · 2⁻²⁴): see {@link #turn}. */
  static double cosine(int k) {
    return turn(k, 1);
  }

  /** sin(2π k · 2⁻²⁴): see {@link #turn}. */
  static double sine(int k) {
    return turn(k, 0);
  }

  /**
   * The angle is cut to the nearest quarter turn, q = ⌊(k + 2²¹) / 2²²⌋, and a rest θ = (k − q ·
   * 2²²) · (2π · 2⁻²⁴) in [−π/4, π/4]. The sine of θ is θ (1 − θ²/3! + … + θ¹⁶/17!), its cosine 1 −
   * θ²/2! + … + θ¹⁶/16!, both by Horner in θ² from the highest coefficient, each coefficient the
   * rounded quotient ±1.0 / n!. Quarters swap and negate them.
   */
  private static double turn(int k, int quarters) {
    int q = (k + (1 << 21)) >> 22;
    double theta = (k - (q << 22)) * TWO_PI_2_24;
    double z = theta * theta;
    int quadrant = (q + quarters) & 3;
    boolean useCosine = (quadrant & 1) == 1;
    double value;
    if (useCosine) {
      double p = 1.0 / 20922789888000.0;
      p = p * z - 1.0 / 87178291200.0;
      p = p * z + 1.0 / 479001600.0;
      p = p * z - 1.0 / 3628800.0;
      p = p * z + 1.0 / 40320.0;
      p = p * z - 1.0 / 720.0;
      p = p * z + 1.0 / 24.0;
      p = p * z - 0.5;
      value = p * z + 1;
    } else {
      double p = 1.0 / 355687428096000.0;
      p = p * z - 1.0 / 1307674368000.0;
      p = p * z + 1.0 / 6227020800.0;
      p = p * z - 1.0 / 39916800.0;
      p = p * z + 1.0 / 362880.0;
      p = p * z - 1.0 / 5040.0;
      p = p * z + 1.0 / 120.0;
      p = p * z - 1.0 / 6.0;
      p = p * z + 1;
      value = p * theta;
    }
    return quadrant >= 2 ? -value : value;
  }
}
