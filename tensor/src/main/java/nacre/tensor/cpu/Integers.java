package nacre.tensor.cpu;

import java.lang.foreign.ValueLayout;
import nacre.tensor.Tensor;

/** Single elements of integer tensors. */
final class Integers {
  private Integers() {}

  static long get(Tensor x, long i) {
    return switch (x.dtype()) {
      case I32 -> Tiles.ALL.get(ValueLayout.JAVA_INT, x.address() + 4 * i);
      case I64 -> Tiles.ALL.get(ValueLayout.JAVA_LONG, x.address() + 8 * i);
      case U8 -> Tiles.ALL.get(ValueLayout.JAVA_BYTE, x.address() + i) & 0xff;
      case F32, BF16, F16 -> throw new IllegalArgumentException("not an integer tensor: " + x);
    };
  }

  static void set(Tensor x, long i, long value) {
    switch (x.dtype()) {
      case I32 -> Tiles.ALL.set(ValueLayout.JAVA_INT, x.address() + 4 * i, (int) value);
      case I64 -> Tiles.ALL.set(ValueLayout.JAVA_LONG, x.address() + 8 * i, value);
      case U8 -> Tiles.ALL.set(ValueLayout.JAVA_BYTE, x.address() + i, (byte) value);
      case F32, BF16, F16 -> throw new IllegalArgumentException("not an integer tensor: " + x);
    }
  }
}
