package nacre.tensor.cpu.engine;

/**
 * Whether work is worth sharing among the threads of the team, or better done by the one that has
 * it. The answer depends on the work's size alone, so that the same work is always cut alike.
 *
 * <p>Handing work to a thread that is awake costs a microsecond, to one asleep 25 to 60, and a
 * hundred or more where another program holds its core; small models are short of work, so that
 * their threads sleep. Work is shared where one thread would need some 50 microseconds or more:
 * with twice these limits the demo's training step took 58 ms instead of 51, with two thirds of
 * them the smallest model was 24 % slower on two threads than on one. The limits are such times at
 * the pace of one thread of a Zen 5 with AVX-512, the shortest of many runs: 130 products and sums
 * of a matrix product in a nanosecond, an addition of f32 in 0.1, a sum in 0.2, GELU in 0.6,
 * softmax in 1.3. On a slower CPU the same work takes longer, and would be worth sharing a little
 * earlier. {@code nacre bench threads} shows what comes of it.
 */
public final class Worth {
  /** Elements that are moved, added or multiplied. */
  private static final long ARITHMETIC = 524_288;

  /** Elements of which a function is computed, or that are passed over several times. */
  private static final long FUNCTIONS = 65_536;

  /** Products and sums of matrix products and convolutions. */
  private static final long PRODUCTS = 4_194_304;

  /** Scores of attention, with their two products and their softmax. */
  private static final long SCORES = 16_384;

  private Worth() {}

  /** Elements that are moved, compared, added or multiplied. */
  public static boolean arithmetic(long elements) {
    return elements >= ARITHMETIC;
  }

  /** Elements of functions such as GELU, of norms and of random numbers. */
  public static boolean functions(long elements) {
    return elements >= FUNCTIONS;
  }

  /** Products and sums: M · N · K of a matrix product. */
  public static boolean products(long multiplications) {
    return multiplications >= PRODUCTS;
  }

  /** Scores of attention: heads times queries times keys. */
  public static boolean scores(long scores) {
    return scores >= SCORES;
  }
}
