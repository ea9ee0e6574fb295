package nacre.tensor.spi;

import java.util.Locale;

/** An operation with indices, and what every device says of one that is out of range. */
public enum Indexed {
  /** Rows of a table, and their gradient. */
  GATHER("gather: index %d at position %d, the table has %d rows"),

  /** The classes of rows of scores. */
  CROSS_ENTROPY("crossEntropy: target %d at position %d, of %d classes");

  private final String refusal;

  Indexed(String refusal) {
    this.refusal = refusal;
  }

  /**
   * The index, if it is in 0 to {@code range} − 1.
   *
   * @param position of the index among the indices, row-major
   * @throws IndexOutOfBoundsException if it is not
   */
  public long check(long index, long position, long range) {
    if (index < 0 || index >= range) {
      throw new IndexOutOfBoundsException(refusal(index, position, range));
    }
    return index;
  }

  /** The sentence about an index that is out of range. */
  public String refusal(long index, long position, long range) {
    return String.format(Locale.ROOT, refusal, index, position, range);
  }
}
