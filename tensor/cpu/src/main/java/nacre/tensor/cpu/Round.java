package nacre.tensor.cpu;

import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * One round of a reduction over axes: the last block of neighboring reduced axes, with x seen as
 * [outer, middle, inner], of which the middle is reduced.
 *
 * @param outer elements of the axes before
 * @param middle elements of the reduced axes
 * @param inner elements of the axes behind
 * @param left the shape of x after this round
 * @param more whether another round must follow
 */
record Round(long outer, long middle, long inner, Shape left, boolean more) {
  /** The first round from x to y, whose shape broadcasts to x's. */
  static Round of(Tensor x, Tensor y) {
    int rank = x.shape().rank();
    int end = rank;
    while (end > 0 && !reduced(x, end - 1, y)) {
      end--;
    }
    int start = end;
    while (start > 0 && (reduced(x, start - 1, y) || x.dim(start - 1) == 1)) {
      start--;
    }
    boolean more = false;
    Shape left = x.shape();
    for (int axis = 0; axis < end; axis++) {
      if (axis < start) {
        more |= reduced(x, axis, y);
      } else {
        left = left.with(axis, 1);
      }
    }
    return new Round(
        x.shape().elements(0, start),
        x.shape().elements(start, end),
        x.shape().elements(end, rank),
        left,
        more);
  }

  private static boolean reduced(Tensor x, int axis, Tensor y) {
    int own = axis - (x.shape().rank() - y.shape().rank());
    return x.dim(axis) != 1 && (own < 0 || y.dim(own) == 1);
  }
}
