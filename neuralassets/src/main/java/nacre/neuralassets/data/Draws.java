package nacre.neuralassets.data;

import nacre.tensor.Philox;

/** A sequence of random numbers that begins at a given position of a Philox stream. */
public final class Draws {
  private final long seed;
  private final long stream;
  private long block;
  private final int[] words = new int[4];
  private int used = 4;

  /**
   * The numbers of a seed.
   *
   * @param stream streams of one seed have nothing in common
   * @param block position in the stream, four numbers a block
   */
  public Draws(long seed, long stream, long block) {
    this.seed = seed;
    this.stream = stream;
    this.block = block;
  }

  /** Uniform in [0, 1). */
  public double next() {
    if (used == 4) {
      Philox.block(seed, stream, block++, words);
      used = 0;
    }
    return (words[used++] >>> 8) * 0x1p-24;
  }

  /** Uniform in [0, bound). */
  public int below(int bound) {
    return (int) (next() * bound);
  }

  /** A random permutation of 0 … n − 1. */
  public int[] permutation(int n) {
    int[] order = new int[n];
    for (int i = 0; i < n; i++) {
      int j = below(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }
}
