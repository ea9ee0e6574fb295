package nacre.weights;

/**
 * The two 8-bit floating-point types in which weights are stored, each value of which f32, bf16 and
 * f16 hold exactly.
 *
 * @see <a href="https://arxiv.org/abs/2209.05433">FP8 Formats for Deep Learning</a>, table 1
 */
enum Float8 {
  /**
   * 4 bits of exponent, 3 of mantissa; called {@code float8_e4m3fn} in PyTorch. It has no
   * infinities, and one NaN of either sign.
   */
  E4M3(4, 3),

  /** 5 bits of exponent, 2 of mantissa; infinities and NaNs as IEEE 754 has them. */
  E5M2(5, 2);

  private final float[] values = new float[256];

  Float8(int exponentBits, int mantissaBits) {
    int bias = (1 << (exponentBits - 1)) - 1;
    for (int code = 0; code < 256; code++) {
      int exponent = (code & 0x7f) >> mantissaBits;
      int mantissa = code & ((1 << mantissaBits) - 1);
      boolean subnormal = exponent == 0;
      float magnitude =
          Math.scalb(
              subnormal ? mantissa : mantissa + (1 << mantissaBits),
              (subnormal ? 1 : exponent) - bias - mantissaBits);
      values[code] = code < 128 ? magnitude : -magnitude;
    }
    for (int sign : new int[] {0, 0x80}) {
      if (exponentBits == 5) {
        values[sign | 0x7c] = sign == 0 ? Float.POSITIVE_INFINITY : Float.NEGATIVE_INFINITY;
        values[sign | 0x7d] = Float.NaN;
        values[sign | 0x7e] = Float.NaN;
      }
      values[sign | 0x7f] = Float.NaN;
    }
  }

  /** The value of a byte. */
  float value(byte code) {
    return values[code & 0xff];
  }
}
