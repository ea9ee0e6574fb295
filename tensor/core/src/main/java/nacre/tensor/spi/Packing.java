package nacre.tensor.spi;

/**
 * A layout that a backend computes with more quickly than with the row-major one. A tensor that is
 * {@linkplain nacre.tensor.Tensor#prepack prepacked} keeps its elements in it; they are told apart
 * by identity.
 */
public interface Packing {
  /** What the packed elements take. */
  long bytes();

  /** Writes the row-major elements at {@code plain} to {@code packed}. */
  void pack(long plain, long packed);

  /**
   * Whether the elements can be had back, so that they need not be kept row by row as well. A
   * layout that holds sums of them has no way back.
   */
  default boolean reversible() {
    return true;
  }

  /** The reverse of {@link #pack}, to the bit, where it is reversible. */
  void unpack(long packed, long plain);
}
