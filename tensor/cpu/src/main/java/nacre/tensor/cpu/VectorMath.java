package nacre.tensor.cpu;

import java.lang.foreign.MemorySegment;

/**
 * Transcendental functions of whole tiles, written so that the compiler vectorizes them. Relative
 * errors are below 2e-7 for exp and absolute errors below 2e-7 for erf.
 */
final class VectorMath {
  private static final float LOG2E = 1.44269504f;
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;

  private VectorMath() {}

  /**
   * y[i] = e^x[i]; arguments below -87 count as -87, above 88 as infinity. y may be x. Uses the
   * scratch's ints.
   */
  static void exp(float[] x, float[] y, int n) {
    Scratch scratch = Scratch.mine();
    int[] powers = scratch.ints(n);
    float[] scale = scratch.floats(11, n);
    for (int i = 0; i < n; i++) {
      float v = Math.max(-87f, x[i]);
      // Adding and taking off 128 makes the cast, which truncates, round to nearest.
      int k = Math.min((int) Math.fma(v, LOG2E, 128.5f) - 128, 128);
      float r = Math.fma(-LN2_LOW, k, Math.fma(-LN2_HIGH, k, v));
      float p = 1.9875691500e-4f;
      p = Math.fma(p, r, 1.3981999507e-3f);
      p = Math.fma(p, r, 8.3334519073e-3f);
      p = Math.fma(p, r, 4.1665795894e-2f);
      p = Math.fma(p, r, 1.6666665459e-1f);
      p = Math.fma(p, r, 5.0000001201e-1f);
      y[i] = Math.fma(p * r, r, r + 1f);
      powers[i] = (k + 127) << 23;
    }
    // The bits of 2^k as floats: a copy, since bit casts inside a loop are not vectorized.
    MemorySegment.copy(MemorySegment.ofArray(powers), 0, MemorySegment.ofArray(scale), 0, 4L * n);
    for (int i = 0; i < n; i++) {
      y[i] *= scale[i];
    }
  }

  /** y[i] = 1 / (1 + e^-(k·x[i])). y may not be x. */
  static void sigmoid(float[] x, float k, float[] y, int n) {
    for (int i = 0; i < n; i++) {
      y[i] = -k * x[i];
    }
    exp(y, y, n);
    for (int i = 0; i < n; i++) {
      y[i] = 1f / (1f + y[i]);
    }
  }

  /** x[i] = log(1 + e^x[i]), with u for what comes between. */
  static void softplus(float[] x, float[] u, int n) {
    for (int i = 0; i < n; i++) {
      u[i] = -Math.abs(x[i]);
    }
    exp(u, u, n);
    for (int i = 0; i < n; i++) {
      // log(1 + u) = 2 artanh(s), and s is at most a third.
      float s = u[i] / (2f + u[i]);
      float z = s * s;
      float p = 1f / 17f;
      p = Math.fma(p, z, 1f / 15f);
      p = Math.fma(p, z, 1f / 13f);
      p = Math.fma(p, z, 1f / 11f);
      p = Math.fma(p, z, 1f / 9f);
      p = Math.fma(p, z, 1f / 7f);
      p = Math.fma(p, z, 1f / 5f);
      p = Math.fma(p, z, 1f / 3f);
      p = Math.fma(p, z, 1f);
      x[i] = Math.fma(2f * s, p, Math.max(x[i], 0f));
    }
  }

  /**
   * cdf[i] = Φ(x[i]), the normal distribution function, and density[i] = e^(-x²/2).
   *
   * <p>Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
   */
  static void normal(float[] x, float[] cdf, float[] density, int n) {
    for (int i = 0; i < n; i++) {
      density[i] = -0.5f * x[i] * x[i];
    }
    exp(density, density, n);
    for (int i = 0; i < n; i++) {
      float a = Math.abs(x[i]);
      float t = 1f / Math.fma(0.3275911f * 0.70710678f, a, 1f);
      float p = 1.061405429f;
      p = Math.fma(p, t, -1.453152027f);
      p = Math.fma(p, t, 1.421413741f);
      p = Math.fma(p, t, -0.284496736f);
      p = Math.fma(p, t, 0.254829592f);
      float tail = 0.5f * p * t * density[i];
      // The sign of x by a division, of what is not infinite: a choice inside the loop would not be
      // vectorized.
      float finite = Math.max(-99f, Math.min(x[i], 99f));
      cdf[i] = 0.5f + (0.5f - tail) * finite / (Math.abs(finite) + 1e-30f);
    }
  }

  /** Sum of x[from .. from+n), by eight running sums. */
  static float sum(float[] x, int from, int n) {
    float a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    int i = from;
    int end = from + n;
    for (; i + 8 <= end; i += 8) {
      a += x[i];
      b += x[i + 1];
      c += x[i + 2];
      d += x[i + 3];
      e += x[i + 4];
      f += x[i + 5];
      g += x[i + 6];
      h += x[i + 7];
    }
    for (; i < end; i++) {
      a += x[i];
    }
    return ((a + b) + (c + d)) + ((e + f) + (g + h));
  }

  /** sums[i] += x[i]², which unlike one running sum is vectorized. */
  static void addSquares(float[] x, float[] sums, int n) {
    for (int i = 0; i < n; i++) {
      sums[i] = Math.fma(x[i], x[i], sums[i]);
    }
  }

  /** Sum of x[i + from] · y[i + yFrom], by eight running sums. */
  static float dot(float[] x, int from, float[] y, int yFrom, int n) {
    float a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    int i = 0;
    for (; i + 8 <= n; i += 8) {
      int p = from + i;
      int q = yFrom + i;
      a += x[p] * y[q];
      b += x[p + 1] * y[q + 1];
      c += x[p + 2] * y[q + 2];
      d += x[p + 3] * y[q + 3];
      e += x[p + 4] * y[q + 4];
      f += x[p + 5] * y[q + 5];
      g += x[p + 6] * y[q + 6];
      h += x[p + 7] * y[q + 7];
    }
    for (; i < n; i++) {
      a += x[from + i] * y[yFrom + i];
    }
    return ((a + b) + (c + d)) + ((e + f) + (g + h));
  }

  /** Largest of x[from .. from+n), n ≥ 1. */
  static float max(float[] x, int from, int n) {
    float m = x[from];
    for (int i = from + 1; i < from + n; i++) {
      m = Math.max(m, x[i]);
    }
    return m;
  }

  /**
   * Column sums of the first {@code rows} rows of {@code columns} in x, left in x's first row; x is
   * destroyed. Halves are folded onto each other, so that the loops are long and sums pairwise.
   * Uses scratch slot 11.
   */
  static void foldRows(float[] x, int rows, int columns) {
    float[] half = Scratch.mine().floats(11, rows / 2 * columns);
    int r = rows;
    while (r > 1) {
      int n = r / 2 * columns;
      // A copy: the compiler does not vectorize sums of one part of an array and another.
      System.arraycopy(x, (r - r / 2) * columns, half, 0, n);
      add(x, half, n);
      r -= r / 2;
    }
  }

  private static void add(float[] x, float[] y, int n) {
    for (int i = 0; i < n; i++) {
      x[i] += y[i];
    }
  }

  /** Repeats the first {@code n} elements of x until {@code times · n} are filled. */
  static void repeat(float[] x, int n, int times) {
    int filled = n;
    int all = n * times;
    while (filled < all) {
      int more = Math.min(filled, all - filled);
      System.arraycopy(x, 0, x, filled, more);
      filled += more;
    }
  }
}
