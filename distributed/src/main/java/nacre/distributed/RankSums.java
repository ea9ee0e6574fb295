package nacre.distributed;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.tensor.DType;

/**
 * Sums of what ranks have in their memory, in the order of ranks and with f32 inside, so that the
 * bits depend on the number of ranks alone.
 */
final class RankSums {
  private static final int CHUNK = 4096;

  private RankSums() {}

  /**
   * into = the sum of all terms, times a scale.
   *
   * @param terms by rank, each as long; one of them may be {@code into}
   * @param scale 1 for integers
   */
  static void sum(MemorySegment[] terms, DType dtype, float scale, MemorySegment into) {
    switch (dtype) {
      case F32 -> floats(terms, scale, into);
      case BF16 -> halves(terms, scale, into);
      case I32 -> ints(terms, into);
      case I64 -> longs(terms, into);
      default -> throw new IllegalArgumentException("sum: no sums of " + dtype + " between ranks");
    }
  }

  private static void floats(MemorySegment[] terms, float scale, MemorySegment into) {
    int n = (int) (into.byteSize() / Float.BYTES);
    float[] sum = new float[CHUNK];
    float[] term = new float[CHUNK];
    for (int from = 0; from < n; from += CHUNK) {
      int count = Math.min(CHUNK, n - from);
      long at = (long) from * Float.BYTES;
      MemorySegment.copy(terms[0], ValueLayout.JAVA_FLOAT, at, sum, 0, count);
      for (int r = 1; r < terms.length; r++) {
        MemorySegment.copy(terms[r], ValueLayout.JAVA_FLOAT, at, term, 0, count);
        for (int i = 0; i < count; i++) {
          sum[i] += term[i];
        }
      }
      for (int i = 0; scale != 1 && i < count; i++) {
        sum[i] *= scale;
      }
      MemorySegment.copy(sum, 0, into, ValueLayout.JAVA_FLOAT, at, count);
    }
  }

  private static void halves(MemorySegment[] terms, float scale, MemorySegment into) {
    int n = (int) (into.byteSize() / Short.BYTES);
    float[] sum = new float[CHUNK];
    short[] term = new short[CHUNK];
    for (int from = 0; from < n; from += CHUNK) {
      int count = Math.min(CHUNK, n - from);
      long at = (long) from * Short.BYTES;
      for (int r = 0; r < terms.length; r++) {
        MemorySegment.copy(terms[r], ValueLayout.JAVA_SHORT, at, term, 0, count);
        for (int i = 0; i < count; i++) {
          float value = Float.intBitsToFloat(term[i] << 16);
          sum[i] = r == 0 ? value : sum[i] + value;
        }
      }
      for (int i = 0; i < count; i++) {
        term[i] = round(sum[i] * scale);
      }
      MemorySegment.copy(term, 0, into, ValueLayout.JAVA_SHORT, at, count);
    }
  }

  /** To nearest, ties to even; NaN stays NaN. */
  private static short round(float value) {
    int bits = Float.floatToRawIntBits(value);
    return Float.isNaN(value)
        ? (short) (bits >>> 16 | 0x40)
        : (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  private static void ints(MemorySegment[] terms, MemorySegment into) {
    for (long at = 0; at < into.byteSize(); at += Integer.BYTES) {
      int sum = 0;
      for (MemorySegment term : terms) {
        sum += term.get(ValueLayout.JAVA_INT, at);
      }
      into.set(ValueLayout.JAVA_INT, at, sum);
    }
  }

  private static void longs(MemorySegment[] terms, MemorySegment into) {
    for (long at = 0; at < into.byteSize(); at += Long.BYTES) {
      long sum = 0;
      for (MemorySegment term : terms) {
        sum += term.get(ValueLayout.JAVA_LONG, at);
      }
      into.set(ValueLayout.JAVA_LONG, at, sum);
    }
  }
}
