package nacre.tensor.spi;

import java.util.Arrays;

/**
 * The 256 numbers of the dynamic 8-bit code (Dettmers, "8-Bit Approximations for Parallelism in
 * Deep Learning", 2016), in which optimizers keep moments: seven decades from 10⁻⁷ to 1, each cut
 * into twice as many equal cells as the one below, of which the midpoints stand for all; and 0 and
 * 1. A block of {@link #BLOCK} elements is divided by its largest magnitude first (Dettmers et al.,
 * "8-bit Optimizers via Block-wise Quantization", 2022). The numbers are those of bitsandbytes.
 */
public final class DynamicCode {
  /** Elements that share a scale. */
  public static final int BLOCK = 256;

  private static final double[] DECADE = {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1};

  /** From −0.99 to 1, of first moments. */
  public static final DynamicCode SIGNED = new DynamicCode(signed());

  /**
   * From 0 to 1, of second moments. What is above 0 never becomes 0, since steps are divided by its
   * root.
   */
  public static final DynamicCode UNSIGNED = new DynamicCode(unsigned());

  private final float[] values;
  private final float[] bounds;

  private DynamicCode(float[] values) {
    this.values = values;
    this.bounds = new float[values.length - 1];
    for (int i = 0; i < bounds.length; i++) {
      bounds[i] = values[i] == 0 && values[0] == 0 ? 0 : 0.5f * (values[i] + values[i + 1]);
    }
  }

  private static float[] unsigned() {
    float[] values = new float[256];
    for (int code = 1; code < 255; code++) {
      values[code] = midpoint(code + 1, 1);
    }
    values[255] = 1;
    return values;
  }

  private static float[] signed() {
    float[] values = new float[256];
    for (int i = 0; i < 127; i++) {
      values[128 + i] = midpoint(i + 1, 0);
      values[126 - i] = -midpoint(i + 1, 0);
    }
    values[255] = 1;
    return values;
  }

  /**
   * The middle of a cell. Decade d has 2^(d + extra) cells, numbered from that power of two on.
   *
   * @param extra 1 for twice as many cells
   */
  private static float midpoint(int number, int extra) {
    int log = 31 - Integer.numberOfLeadingZeros(number);
    double cells = 1 << log;
    double within = 0.1 + 0.9 * (number - cells + 0.5) / cells;
    return (float) (within * DECADE[log - extra]);
  }

  /** What each code stands for, ascending. */
  public float[] values() {
    return values.clone();
  }

  /** Numbers that part neighboring codes: a number has as code how many of these lie below it. */
  public float[] bounds() {
    return bounds.clone();
  }

  /** The number that a code stands for. */
  public float decode(int code) {
    return values[code];
  }

  /** The code of a number from −1 or 0 to 1. */
  public int encode(float x) {
    int at = Arrays.binarySearch(bounds, x == 0 ? 0f : x); // −0 would lie below 0
    return at >= 0 ? at : -at - 1;
  }

  /** How many blocks elements make. */
  public static int blocks(long elements) {
    return Math.toIntExact((elements + BLOCK - 1) / BLOCK);
  }
}
