package nacre.tensor.cpu;

import nacre.tensor.spi.DynamicCode;

/**
 * A {@link DynamicCode} as tables. A number's sign, exponent and first bits lead to a code that is
 * right or next to it, which two comparisons correct: a tenth of the time of a search.
 */
final class CodeTable {
  private static final int SHIFT = 13; // ten bits of the fraction: a cell is wider than that

  /** Prefixes of what is smaller than any code, up to that of 1. */
  private static final int LEAST = Float.floatToRawIntBits(0x1p-30f) >>> SHIFT;

  private static final int MOST = Float.floatToRawIntBits(1f) >>> SHIFT;

  static final CodeTable SIGNED = new CodeTable(DynamicCode.SIGNED);
  static final CodeTable UNSIGNED = new CodeTable(DynamicCode.UNSIGNED);

  private final float[] values;
  private final float[] lower = new float[256];
  private final float[] upper = new float[256];
  private final byte[] positive = new byte[MOST - LEAST + 1];
  private final byte[] negative = new byte[MOST - LEAST + 1];

  private CodeTable(DynamicCode code) {
    values = code.values();
    float[] bounds = code.bounds();
    for (int i = 0; i < 256; i++) {
      lower[i] = i == 0 ? Float.NEGATIVE_INFINITY : bounds[i - 1];
      upper[i] = i == 255 ? Float.POSITIVE_INFINITY : bounds[i];
    }
    for (int i = 0; i < positive.length; i++) {
      float x = Float.intBitsToFloat(LEAST + i << SHIFT);
      positive[i] = (byte) code.encode(x);
      negative[i] = (byte) code.encode(-x);
    }
  }

  /** tile = what codes stand for, times their block's scale. */
  void decode(byte[] codes, float[] tile, int from, int to, float scale) {
    for (int i = from; i < to; i++) {
      tile[i] = values[codes[i] & 0xff] * scale;
    }
  }

  /** The codes of a block, whose largest magnitude is given. */
  void encode(float[] tile, byte[] codes, int from, int to, float largest) {
    float scale = largest == 0 ? 1 : largest;
    for (int i = from; i < to; i++) {
      float x = tile[i] / scale;
      int bits = Float.floatToRawIntBits(x);
      int prefix = Math.clamp(((bits & 0x7fffffff) >>> SHIFT) - LEAST, 0, MOST - LEAST);
      int c = (bits < 0 ? negative[prefix] : positive[prefix]) & 0xff;
      if (x > upper[c]) {
        c++;
      } else if (x <= lower[c]) {
        c--;
      }
      codes[i] = (byte) c;
    }
  }
}
