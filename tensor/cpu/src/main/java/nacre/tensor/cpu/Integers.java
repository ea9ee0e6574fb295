package nacre.tensor.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.tensor.DType;
import nacre.tensor.Tensor;

/** Integers of any width as longs: f32 tiles hold them only up to 2^24. */
final class Integers {
  private Integers() {}

  /** Element i of an integer tensor. */
  static long get(Tensor x, long i) {
    return switch (x.dtype()) {
      case I32 -> Tiles.ALL.get(ValueLayout.JAVA_INT, x.address() + 4 * i);
      case I64 -> Tiles.ALL.get(ValueLayout.JAVA_LONG, x.address() + 8 * i);
      case U8 -> Tiles.ALL.get(ValueLayout.JAVA_BYTE, x.address() + i) & 0xff;
      case F32, BF16, F16 ->
          throw new IllegalArgumentException("not an integer tensor: " + x.describe());
    };
  }

  /** tile[0 .. n) = elements [index .. index+n) of the integers at {@code address}. */
  static void load(long address, DType dtype, long index, long[] tile, int n) {
    long from = address + index * dtype.bytes();
    switch (dtype) {
      case I32 -> {
        int[] s = Scratch.mine().ints(n);
        MemorySegment.copy(Tiles.ALL, ValueLayout.JAVA_INT, from, s, 0, n);
        for (int i = 0; i < n; i++) {
          tile[i] = s[i];
        }
      }
      case I64 -> MemorySegment.copy(Tiles.ALL, ValueLayout.JAVA_LONG, from, tile, 0, n);
      case U8 -> {
        byte[] s = Scratch.mine().bytes(n);
        MemorySegment.copy(Tiles.ALL, ValueLayout.JAVA_BYTE, from, s, 0, n);
        for (int i = 0; i < n; i++) {
          tile[i] = s[i] & 0xff;
        }
      }
      case F32, BF16, F16 -> throw new IllegalArgumentException("no integers: " + dtype);
    }
  }

  /** Elements [index .. index+n) of the integers at {@code address} = tile[0 .. n), saturated. */
  static void store(long[] tile, long address, DType dtype, long index, int n) {
    long to = address + index * dtype.bytes();
    switch (dtype) {
      case I32 -> {
        int[] s = Scratch.mine().ints(n);
        for (int i = 0; i < n; i++) {
          s[i] = Math.clamp(tile[i], Integer.MIN_VALUE, Integer.MAX_VALUE);
        }
        MemorySegment.copy(s, 0, Tiles.ALL, ValueLayout.JAVA_INT, to, n);
      }
      case I64 -> MemorySegment.copy(tile, 0, Tiles.ALL, ValueLayout.JAVA_LONG, to, n);
      case U8 -> {
        byte[] s = Scratch.mine().bytes(n);
        for (int i = 0; i < n; i++) {
          s[i] = (byte) Math.clamp(tile[i], 0, 255);
        }
        MemorySegment.copy(s, 0, Tiles.ALL, ValueLayout.JAVA_BYTE, to, n);
      }
      case F32, BF16, F16 -> throw new IllegalArgumentException("no integers: " + dtype);
    }
  }
}
