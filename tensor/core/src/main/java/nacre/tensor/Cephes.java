package nacre.tensor;

/**
 * Logarithm, sine and cosine in f32 by the reductions and polynomials of the Cephes library
 * (Stephen L. Moshier, logf.c and sinf.c), each multiplication fused into the addition that follows
 * it: the roundings of PyTorch on AVX2. Errors are about one unit in the last place.
 */
final class Cephes {
  private static final float SQRT_HALF = 0.70710677f;
  private static final float LN_2_HIGH = 0.693359375f;
  private static final float LN_2_LOW = -2.12194440e-4f;
  private static final float[] LOG = {
    7.0376836292e-2f,
    -1.1514610310e-1f,
    1.1676998740e-1f,
    -1.2420140846e-1f,
    1.4249322787e-1f,
    -1.6668057665e-1f,
    2.0000714765e-1f,
    -2.4999993993e-1f,
    3.3333331174e-1f
  };

  private static final float FOUR_OVER_PI = 1.27323954473516f;

  /** π/4 in three parts, the first two of few enough bits that their products are exact. */
  private static final float[] QUARTER_PI = {
    0.78515625f, 2.4187564849853515625e-4f, 3.77489497744594108e-8f
  };

  private static final float[] SIN = {-1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f};
  private static final float[] COS = {
    2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f
  };

  private Cephes() {}

  /** ln x for a normal x above 0. */
  static float log(float x) {
    int bits = Float.floatToRawIntBits(x);
    int exponent = (bits >>> 23) - 126;
    float m = Float.intBitsToFloat(bits & 0x807FFFFF | 0x3F000000); // in [½, 1)
    if (m < SQRT_HALF) {
      exponent--;
      m = (m - 1) + m;
    } else {
      m -= 1;
    }
    float z = m * m;
    float p = LOG[0];
    for (int i = 1; i < LOG.length; i++) {
      p = Math.fma(p, m, LOG[i]);
    }
    float y = Math.fma(p * m, z, exponent * LN_2_LOW);
    y = Math.fma(z, -0.5f, y);
    return Math.fma(exponent, LN_2_HIGH, m + y);
  }

  /** sin x for x from 0 to 8192. */
  static float sin(float x) {
    int octant = octant(x);
    float value = (octant & 2) == 0 ? sinNearZero(rest(x, octant)) : cosNearZero(rest(x, octant));
    return (octant & 4) == 0 ? value : -value;
  }

  /** cos x for x from 0 to 8192. */
  static float cos(float x) {
    int octant = octant(x);
    float value = (octant & 2) == 0 ? cosNearZero(rest(x, octant)) : sinNearZero(rest(x, octant));
    return (octant - 2 & 4) != 0 ? value : -value;
  }

  /** The multiple of π/4, an even one, that is nearest to x. */
  private static int octant(float x) {
    return (int) (x * FOUR_OVER_PI) + 1 & ~1;
  }

  /** x − octant · π/4. */
  private static float rest(float x, int octant) {
    float rest = x;
    for (float part : QUARTER_PI) {
      rest = Math.fma(octant, -part, rest);
    }
    return rest;
  }

  private static float sinNearZero(float x) {
    float z = x * x;
    float p = Math.fma(Math.fma(SIN[0], z, SIN[1]), z, SIN[2]);
    return Math.fma(p * z, x, x);
  }

  private static float cosNearZero(float x) {
    float z = x * x;
    float p = Math.fma(Math.fma(COS[0], z, COS[1]), z, COS[2]);
    return Math.fma(p * z, z, -0.5f * z) + 1;
  }
}
