package nacre.tensor.cpu;

/**
 * Buffers of one thread, kept and reused. Loops of this backend run on {@code float[]} tiles rather
 * than on native memory: the compiler vectorizes array loops, and cannot do so when two native
 * addresses might overlap. A tile stays in the first-level cache, so the extra copy is cheap.
 */
final class Scratch {
  /** Elements of a tile: four tiles fit a first-level cache. */
  static final int TILE = 2048;

  private static final int SLOTS = 12;
  private static final ThreadLocal<Scratch> MINE = ThreadLocal.withInitial(Scratch::new);

  private final float[][] floats = new float[SLOTS][TILE];
  private int[] ints = new int[TILE];
  private short[] shorts = new short[TILE];
  private byte[] bytes = new byte[TILE];
  private long[] longs = new long[TILE];

  /** The buffers of the current thread. */
  static Scratch mine() {
    return MINE.get();
  }

  /** Float buffer number {@code slot}, of at least {@code length}; contents undefined. */
  float[] floats(int slot, int length) {
    if (floats[slot].length < length) {
      floats[slot] = new float[length];
    }
    return floats[slot];
  }

  int[] ints(int length) {
    if (ints.length < length) {
      ints = new int[length];
    }
    return ints;
  }

  short[] shorts(int length) {
    if (shorts.length < length) {
      shorts = new short[length];
    }
    return shorts;
  }

  byte[] bytes(int length) {
    if (bytes.length < length) {
      bytes = new byte[length];
    }
    return bytes;
  }

  long[] longs(int length) {
    if (longs.length < length) {
      longs = new long[length];
    }
    return longs;
  }
}
