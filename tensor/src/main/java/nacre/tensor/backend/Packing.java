package nacre.tensor.backend;

/**
 * A layout that a backend computes with more quickly than with the row-major one. A tensor that is
 * {@linkplain nacre.tensor.Tensor#settle settled} keeps its elements in it; they are told apart by
 * identity.
 */
public interface Packing {
  /** What the packed elements take. */
  long bytes();

  /** Writes the row-major elements at {@code plain} to {@code packed}. */
  void pack(long plain, long packed);

  /** The reverse of {@link #pack}, to the bit. */
  void unpack(long packed, long plain);
}
