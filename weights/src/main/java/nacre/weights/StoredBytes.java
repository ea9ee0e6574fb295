package nacre.weights;

import java.lang.foreign.MemorySegment;

/** The bytes of a stored tensor, wherever and in whatever order they lie in the file. */
@FunctionalInterface
interface StoredBytes {
  /**
   * Some of its elements, row-major and little-endian.
   *
   * @param from the first of them
   * @param count how many; not past the last
   */
  MemorySegment elements(long from, long count);

  /** Bytes that lie in the file as they are wanted: nothing is copied. */
  static StoredBytes of(MemorySegment bytes, StoredType type) {
    return (from, count) -> bytes.asSlice(from * type.bytes(), count * type.bytes());
  }
}
