package nacre.tensor.reference;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.tensor.DType;
import nacre.tensor.Tensor;

/**
 * Tensors as arrays and back. Floating stores round to nearest even, by way of f32 for the 16-bit
 * types, as every device does. Integer stores round to nearest even and saturate; NaN becomes 0.
 */
final class Elements {
  private Elements() {}

  static double[] read(Tensor t) {
    MemorySegment s = t.segment();
    DType dtype = t.dtype();
    double[] values = new double[Math.toIntExact(t.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (dtype) {
            case F32 -> s.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            case BF16 -> fromBf16(s.getAtIndex(ValueLayout.JAVA_SHORT, i));
            case F16 -> Float.float16ToFloat(s.getAtIndex(ValueLayout.JAVA_SHORT, i));
            case I32 -> s.getAtIndex(ValueLayout.JAVA_INT, i);
            case I64 -> s.getAtIndex(ValueLayout.JAVA_LONG, i);
            case U8 -> s.get(ValueLayout.JAVA_BYTE, i) & 0xFF;
          };
    }
    return values;
  }

  static void write(double[] values, Tensor t) {
    if (values.length != t.elements()) {
      throw new IllegalArgumentException(
          "write: "
              + values.length
              + " values for "
              + t.elements()
              + " elements of "
              + t.describe());
    }
    MemorySegment s = memory(t);
    DType dtype = t.dtype();
    for (int i = 0; i < values.length; i++) {
      double v = values[i];
      switch (dtype) {
        case F32 -> s.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) v);
        case BF16 -> s.setAtIndex(ValueLayout.JAVA_SHORT, i, toBf16((float) v));
        case F16 -> s.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16((float) v));
        case I32 -> s.setAtIndex(ValueLayout.JAVA_INT, i, (int) Math.rint(v));
        case I64 -> s.setAtIndex(ValueLayout.JAVA_LONG, i, (long) Math.rint(v));
        case U8 -> s.set(ValueLayout.JAVA_BYTE, i, saturate(Math.rint(v)));
      }
    }
  }

  /** The elements of an integer tensor, which doubles could not hold all of. */
  static long[] readIntegers(Tensor t) {
    MemorySegment s = t.segment();
    DType dtype = t.dtype();
    long[] values = new long[Math.toIntExact(t.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (dtype) {
            case I32 -> s.getAtIndex(ValueLayout.JAVA_INT, i);
            case I64 -> s.getAtIndex(ValueLayout.JAVA_LONG, i);
            case U8 -> s.get(ValueLayout.JAVA_BYTE, i) & 0xFF;
            default -> throw new IllegalArgumentException(t.describe() + " does not hold integers");
          };
    }
    return values;
  }

  static void writeIntegers(long[] values, Tensor t) {
    MemorySegment s = memory(t);
    DType dtype = t.dtype();
    for (int i = 0; i < values.length; i++) {
      long v = values[i];
      switch (dtype) {
        case I32 -> {
          int clamped = Math.clamp(v, Integer.MIN_VALUE, Integer.MAX_VALUE);
          s.setAtIndex(ValueLayout.JAVA_INT, i, clamped);
        }
        case I64 -> s.setAtIndex(ValueLayout.JAVA_LONG, i, v);
        case U8 -> s.set(ValueLayout.JAVA_BYTE, i, (byte) Math.clamp(v, 0, 255));
        default -> throw new IllegalArgumentException(t.describe() + " does not hold integers");
      }
    }
  }

  /** The raw bytes, for what moves elements and does not look at them. */
  static byte[] readBytes(Tensor t) {
    byte[] bytes = new byte[Math.toIntExact(t.bytes())];
    MemorySegment.copy(t.segment(), ValueLayout.JAVA_BYTE, 0, bytes, 0, bytes.length);
    return bytes;
  }

  static void writeBytes(byte[] bytes, Tensor t) {
    MemorySegment.copy(bytes, 0, memory(t), ValueLayout.JAVA_BYTE, 0, bytes.length);
  }

  /** To be written: what a backend writes is noted by who calls it. */
  @SuppressWarnings("restricted")
  static MemorySegment memory(Tensor t) {
    if (!t.device().isHost()) {
      throw new IllegalStateException("reference: " + t.describe() + " is not in host memory");
    }
    return MemorySegment.ofAddress(t.address()).reinterpret(t.bytes());
  }

  static float fromBf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40); // rounding could carry a NaN into an infinity
    }
    return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
  }

  private static byte saturate(double v) {
    return (byte) Math.clamp((long) v, 0, 255);
  }
}
