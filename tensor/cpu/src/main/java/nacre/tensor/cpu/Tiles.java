package nacre.tensor.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.tensor.DType;
import nacre.tensor.Tensor;

/** Moves elements between native memory and f32 tiles, converting dtypes on the way. */
final class Tiles {
  /** All of memory: bounds are the callers' affair, checked where shapes are. */
  @SuppressWarnings("restricted")
  static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private Tiles() {}

  /** tile[at .. at+n) = elements [index .. index+n) of the array at {@code address}. */
  static void load(long address, DType dtype, long index, float[] tile, int at, int n) {
    long from = address + index * dtype.bytes();
    switch (dtype) {
      case F32 -> MemorySegment.copy(ALL, ValueLayout.JAVA_FLOAT, from, tile, at, n);
      case BF16 -> {
        int pairs = n / 2;
        int[] narrow = Scratch.mine().ints(pairs);
        long[] wide = Scratch.mine().longs(pairs);
        MemorySegment.copy(ALL, ValueLayout.JAVA_INT_UNALIGNED, from, narrow, 0, pairs);
        widenPairs(narrow, wide, pairs);
        MemorySegment.copy(
            MemorySegment.ofArray(wide), 0, MemorySegment.ofArray(tile), 4L * at, 8L * pairs);
        if (2 * pairs < n) {
          short last = ALL.get(ValueLayout.JAVA_SHORT, from + 4L * pairs);
          tile[at + n - 1] = Float.intBitsToFloat(last << 16);
        }
      }
      case F16 -> {
        short[] s = Scratch.mine().shorts(n);
        MemorySegment.copy(ALL, ValueLayout.JAVA_SHORT, from, s, 0, n);
        for (int i = 0; i < n; i++) {
          tile[at + i] = Float.float16ToFloat(s[i]);
        }
      }
      case I32 -> {
        int[] s = Scratch.mine().ints(n);
        MemorySegment.copy(ALL, ValueLayout.JAVA_INT, from, s, 0, n);
        for (int i = 0; i < n; i++) {
          tile[at + i] = s[i];
        }
      }
      case I64 -> {
        long[] s = Scratch.mine().longs(n);
        MemorySegment.copy(ALL, ValueLayout.JAVA_LONG, from, s, 0, n);
        for (int i = 0; i < n; i++) {
          tile[at + i] = s[i];
        }
      }
      case U8 -> {
        byte[] s = Scratch.mine().bytes(n);
        MemorySegment.copy(ALL, ValueLayout.JAVA_BYTE, from, s, 0, n);
        for (int i = 0; i < n; i++) {
          tile[at + i] = s[i] & 0xff;
        }
      }
    }
  }

  /** All elements of a small tensor. */
  static float[] vector(Tensor t) {
    float[] v = new float[Math.toIntExact(t.elements())];
    load(t.address(), t.dtype(), 0, v, 0, v.length);
    return v;
  }

  /** Elements [index .. index+n) of the array at {@code address} = tile[at .. at+n). */
  static void store(float[] tile, int at, long address, DType dtype, long index, int n) {
    long to = address + index * dtype.bytes();
    switch (dtype) {
      case F32 -> MemorySegment.copy(tile, at, ALL, ValueLayout.JAVA_FLOAT, to, n);
      case BF16 -> {
        int[] bits = Scratch.mine().ints(n);
        short[] s = Scratch.mine().shorts(n);
        MemorySegment.copy(
            MemorySegment.ofArray(tile), 4L * at, MemorySegment.ofArray(bits), 0, 4L * n);
        roundToBf16(bits, n);
        for (int i = 0; i < n; i++) {
          s[i] = (short) bits[i];
        }
        MemorySegment.copy(s, 0, ALL, ValueLayout.JAVA_SHORT, to, n);
      }
      case F16 -> {
        short[] s = Scratch.mine().shorts(n);
        for (int i = 0; i < n; i++) {
          s[i] = Float.floatToFloat16(tile[at + i]);
        }
        MemorySegment.copy(s, 0, ALL, ValueLayout.JAVA_SHORT, to, n);
      }
      case I32 -> {
        int[] s = Scratch.mine().ints(n);
        for (int i = 0; i < n; i++) {
          s[i] = (int) Math.rint(tile[at + i]);
        }
        MemorySegment.copy(s, 0, ALL, ValueLayout.JAVA_INT, to, n);
      }
      case I64 -> {
        long[] s = Scratch.mine().longs(n);
        for (int i = 0; i < n; i++) {
          s[i] = (long) Math.rint(tile[at + i]);
        }
        MemorySegment.copy(s, 0, ALL, ValueLayout.JAVA_LONG, to, n);
      }
      case U8 -> {
        byte[] s = Scratch.mine().bytes(n);
        for (int i = 0; i < n; i++) {
          s[i] = (byte) Math.clamp((long) Math.rint(tile[at + i]), 0, 255);
        }
        MemorySegment.copy(s, 0, ALL, ValueLayout.JAVA_BYTE, to, n);
      }
    }
  }

  /**
   * The bits of two bf16 in an int become those of two floats in a long. One by one they would be
   * shorts that become ints, which is not vectorized.
   */
  private static void widenPairs(int[] narrow, long[] wide, int n) {
    for (int i = 0; i < n; i++) {
      long both = narrow[i];
      wide[i] = (both & 0xffff0000L) << 32 | (both & 0xffffL) << 16;
    }
  }

  /**
   * The bits of floats become, in their lower halves, those of the nearest bf16, ties to even; NaN
   * stays NaN. A mask where a choice would keep the loop from being vectorized, as would narrowing
   * in the same loop: together they cost twice the time.
   */
  private static void roundToBf16(int[] bits, int n) {
    for (int i = 0; i < n; i++) {
      int b = bits[i];
      int nan = (0x7f800000 - (b & 0x7fffffff)) >> 31;
      int rounded = (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
      bits[i] = (rounded & ~nan) | (((b >>> 16) | 0x40) & nan);
    }
  }
}
