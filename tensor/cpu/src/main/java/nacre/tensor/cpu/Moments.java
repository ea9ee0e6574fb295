package nacre.tensor.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.spi.DynamicCode;
import nacre.tensor.spi.RoundingNoise;

/**
 * First or second moments of parameters in the type in which they are kept: widened to f32 tiles,
 * and rounded again.
 *
 * @param tensors the moments
 * @param scales of their blocks, where they are 8-bit codes
 * @param code of those
 * @param shift which half of the random bits rounds them, where they are bf16
 */
record Moments(List<Tensor> tensors, List<Tensor> scales, CodeTable code, int shift) {
  static Moments first(List<Tensor> tensors, List<Tensor> scales) {
    return new Moments(tensors, scales, CodeTable.SIGNED, 0);
  }

  static Moments second(List<Tensor> tensors, List<Tensor> scales) {
    return new Moments(tensors, scales, CodeTable.UNSIGNED, 16);
  }

  /** tile = n moments of tensor t from {@code at} on, which begins a block. */
  void load(int t, long at, float[] tile, int n) {
    Tensor moments = tensors.get(t);
    if (moments.dtype() != DType.U8) {
      Tiles.load(moments.address(), moments.dtype(), at, tile, 0, n);
      return;
    }
    byte[] codes = Scratch.mine().bytes(n);
    MemorySegment.copy(Tiles.ALL, ValueLayout.JAVA_BYTE, moments.address() + at, codes, 0, n);
    long scale = scaleAddress(t, at);
    for (int from = 0; from < n; from += DynamicCode.BLOCK, scale += Float.BYTES) {
      int to = Math.min(n, from + DynamicCode.BLOCK);
      code.decode(codes, tile, from, to, Tiles.ALL.get(ValueLayout.JAVA_FLOAT, scale));
    }
  }

  /** The reverse of {@link #load}. */
  void store(float[] tile, int t, long at, int n, int key) {
    Tensor moments = tensors.get(t);
    switch (moments.dtype()) {
      case BF16 -> storeRounded(tile, moments, at, n, key, shift);
      case U8 -> {
        byte[] codes = Scratch.mine().bytes(n);
        long scale = scaleAddress(t, at);
        for (int from = 0; from < n; from += DynamicCode.BLOCK, scale += Float.BYTES) {
          int to = Math.min(n, from + DynamicCode.BLOCK);
          float largest = largest(tile, from, to);
          Tiles.ALL.set(ValueLayout.JAVA_FLOAT, scale, largest);
          code.encode(tile, codes, from, to, largest);
        }
        MemorySegment.copy(codes, 0, Tiles.ALL, ValueLayout.JAVA_BYTE, moments.address() + at, n);
      }
      default -> Tiles.store(tile, 0, moments.address(), moments.dtype(), at, n);
    }
  }

  private long scaleAddress(int t, long at) {
    return scales.get(t).address() + at / DynamicCode.BLOCK * Float.BYTES;
  }

  private static float largest(float[] tile, int from, int to) {
    float largest = 0;
    for (int i = from; i < to; i++) {
      largest = Math.max(largest, Math.abs(tile[i]));
    }
    return largest;
  }

  /** Stochastic rounding to bf16, in loops that are vectorized each. */
  static void storeRounded(float[] tile, Tensor to, long at, int n, int key, int half) {
    Scratch scratch = Scratch.mine();
    int[] bits = scratch.ints(n);
    short[] narrow = scratch.shorts(n);
    MemorySegment.copy(MemorySegment.ofArray(tile), 0, MemorySegment.ofArray(bits), 0, 4L * n);
    int first = (int) at;
    for (int i = 0; i < n; i++) {
      int b = bits[i];
      int nan = (0x7f800000 - (b & 0x7fffffff)) >> 31;
      int noise = RoundingNoise.bits(key, first + i) >>> half & 0xffff & ~nan;
      bits[i] = (b + noise) >>> 16;
    }
    for (int i = 0; i < n; i++) {
      narrow[i] = (short) bits[i];
    }
    MemorySegment.copy(narrow, 0, Tiles.ALL, ValueLayout.JAVA_SHORT, to.address() + 2 * at, n);
  }
}
