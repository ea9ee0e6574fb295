package nacre.tensor;

import java.util.Arrays;
import java.util.Locale;

/**
 * The extents of a dense, row-major tensor, slowest axis first. Images are {@code [N, H, W, C]},
 * convolution weights {@code [O, KH, KW, I]}, linear weights {@code [out, in]}, attention operands
 * {@code [N, T, heads, D]}. The empty shape is a scalar.
 */
public final class Shape {
  /** So that a count of bytes fits a long too, whatever the dtype. */
  private static final long MOST_ELEMENTS = (1L << 60) - 1;

  private final int[] dims;
  private final long elements;

  private Shape(int[] dims) {
    this.dims = dims;
    long n = 1;
    boolean empty = false;
    for (int d : dims) {
      if (d < 0) {
        throw new IllegalArgumentException("shape: negative extent in " + Arrays.toString(dims));
      }
      empty |= d == 0;
      // An extent of 0 does not make the others harmless: their product is asked for as well.
      if (d > 0 && n > MOST_ELEMENTS / d) {
        throw new IllegalArgumentException(
            "shape: " + Arrays.toString(dims) + " has 2^60 elements or more, no memory holds them");
      }
      n *= Math.max(d, 1);
    }
    this.elements = empty ? 0 : n;
  }

  /**
   * A shape of the given extents.
   *
   * @throws IllegalArgumentException if one is negative, or they make 2⁶⁰ elements or more
   */
  public static Shape of(int... dims) {
    return new Shape(dims.clone());
  }

  /** Number of axes. */
  public int rank() {
    return dims.length;
  }

  /** Extent of an axis; negative axes count from the last. */
  public int dim(int axis) {
    return dims[axis(axis)];
  }

  /** The axis as a non-negative number. */
  public int axis(int axis) {
    int a = axis < 0 ? axis + dims.length : axis;
    if (a < 0 || a >= dims.length) {
      throw new IndexOutOfBoundsException("axis " + axis + " of shape " + this);
    }
    return a;
  }

  /** Product of the extents. */
  public long elements() {
    return elements;
  }

  /**
   * The product of the extents of axes {@code from} to {@code to} (exclusive), as the extent of
   * one.
   *
   * @param operation what wants it, for the message
   * @throws IllegalArgumentException if it is 2³¹ or more
   */
  public int folded(String operation, int from, int to) {
    long n = elements(from, to);
    if (n > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s: axes %d to %d of %s make %d, and an axis has fewer than 2^31",
              operation,
              from,
              to - 1,
              this,
              n));
    }
    return (int) n;
  }

  /** Product of the extents of axes {@code from} (inclusive) to {@code to} (exclusive). */
  public long elements(int from, int to) {
    long n = 1;
    for (int i = from; i < to; i++) {
      n *= dims[i];
    }
    return n;
  }

  /** A copy of the extents. */
  public int[] toArray() {
    return dims.clone();
  }

  /** This shape with one extent replaced. */
  public Shape with(int axis, int extent) {
    int[] d = dims.clone();
    d[axis(axis)] = extent;
    return new Shape(d);
  }

  /**
   * The shape that both broadcast to by the usual rule: aligned at the last axis, equal extents or
   * 1.
   *
   * @throws IllegalArgumentException if an axis differs and neither extent is 1
   */
  public static Shape broadcast(String operation, Shape a, Shape b) {
    int rank = Math.max(a.rank(), b.rank());
    int[] d = new int[rank];
    for (int i = 1; i <= rank; i++) {
      int x = i <= a.rank() ? a.dim(-i) : 1;
      int y = i <= b.rank() ? b.dim(-i) : 1;
      if (x != y && x != 1 && y != 1) {
        throw new IllegalArgumentException(
            operation
                + ": shapes "
                + a
                + " and "
                + b
                + " do not broadcast: "
                + x
                + " against "
                + y);
      }
      d[rank - i] = x == 1 ? y : x;
    }
    return new Shape(d);
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof Shape s && Arrays.equals(dims, s.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  /** As {@code [2, 64, 64, 4]}. */
  @Override
  public String toString() {
    return Arrays.toString(dims);
  }
}
