package nacre.tensor.cuda;

import nacre.tensor.DType;

/** How a number lies in memory. */
final class Bits {
  private Bits() {}

  /** The bits of a value, rounded to nearest even, in the low end. */
  static long of(double value, DType dtype) {
    return switch (dtype) {
      case F32 -> Float.floatToRawIntBits((float) value);
      case BF16 -> bf16((float) value);
      case F16 -> Float.floatToFloat16((float) value);
      case I32 -> (int) Math.rint(value);
      case I64 -> (long) Math.rint(value);
      case U8 -> Math.clamp((long) Math.rint(value), 0, 255);
    };
  }

  private static int bf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    // Rounding could carry a NaN into an infinity.
    return Float.isNaN(value) ? bits >>> 16 | 0x40 : bits + 0x7FFF + (bits >>> 16 & 1) >>> 16;
  }
}
