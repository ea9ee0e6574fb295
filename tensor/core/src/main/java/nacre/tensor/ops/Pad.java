package nacre.tensor.ops;

import java.util.Arrays;
import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Zeros around a tensor. Input: x, of any dtype.
 *
 * @param before zeros before each axis
 * @param from shape of x
 * @param to shape of the result
 */
public record Pad(Shape before, Shape from, Shape to) implements Operation {

  /**
   * Adds {@code before[i]} zeros before and {@code after[i]} after axis i.
   *
   * @throws IllegalArgumentException if there is not one number for each axis, or one is negative
   */
  public static Tensor pad(Tensor x, int[] before, int[] after) {
    int rank = x.shape().rank();
    int[] extents = x.shape().toArray();
    boolean fits = before.length == rank && after.length == rank;
    for (int i = 0; fits && i < rank; i++) {
      fits = before[i] >= 0 && after[i] >= 0;
      extents[i] += before[i] + after[i];
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "pad: "
              + x.describe()
              + " wants "
              + rank
              + " counts not below zero on each side, not "
              + Arrays.toString(before)
              + " and "
              + Arrays.toString(after));
    }
    return Operation.apply(new Pad(Shape.of(before), x.shape(), Shape.of(extents)), x);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor y = in[0].like(to);
    y.backend().fill(y, 0);
    y.backend().place(in[0], before.toArray(), y);
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor dx = dy.like(from);
    dy.backend().slice(dy, before.toArray(), dx);
    return new Tensor[] {dx};
  }
}
