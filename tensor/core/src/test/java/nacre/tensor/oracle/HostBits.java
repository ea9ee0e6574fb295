package nacre.tensor.oracle;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import nacre.tensor.DType;

/**
 * Elements as the bytes that a device takes. Written apart from the backends, so that no error in
 * their conversions can hide itself.
 */
final class HostBits {
  private HostBits() {}

  static byte[] encode(double[] values, DType dtype) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * dtype.bytes()).order(ByteOrder.nativeOrder());
    for (double v : values) {
      switch (dtype) {
        case F32 -> bytes.putFloat((float) v);
        case BF16 -> bytes.putShort(bf16((float) v));
        case F16 -> bytes.putShort(Float.floatToFloat16((float) v));
        case I32 -> bytes.putInt((int) v);
        case I64 -> bytes.putLong((long) v);
        case U8 -> bytes.put((byte) (int) v);
      }
    }
    return bytes.array();
  }

  static double[] decode(byte[] array, DType dtype) {
    ByteBuffer bytes = ByteBuffer.wrap(array).order(ByteOrder.nativeOrder());
    double[] values = new double[array.length / dtype.bytes()];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (dtype) {
            case F32 -> bytes.getFloat();
            case BF16 -> Float.intBitsToFloat(bytes.getShort() << 16);
            case F16 -> Float.float16ToFloat(bytes.getShort());
            case I32 -> bytes.getInt();
            case I64 -> bytes.getLong();
            case U8 -> bytes.get() & 0xFF;
          };
    }
    return values;
  }

  /** The nearer of the two neighbors, on a tie the one whose last bit is zero. */
  private static short bf16(float value) {
    if (Float.isNaN(value)) {
      return 0x7FC0;
    }
    int below = Float.floatToRawIntBits(value) >>> 16;
    int rest = Float.floatToRawIntBits(value) & 0xFFFF;
    boolean up = rest > 0x8000 || rest == 0x8000 && (below & 1) == 1;
    return (short) (up ? below + 1 : below);
  }
}
