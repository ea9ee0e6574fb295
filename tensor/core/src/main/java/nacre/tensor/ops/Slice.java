package nacre.tensor.ops;

import java.util.Arrays;
import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Part of an axis. Input: x, of any dtype.
 *
 * @param axis along which, not negative
 * @param start first index
 * @param length how many
 * @param from shape of x
 */
public record Slice(int axis, int start, int length, Shape from) implements Operation {

  /**
   * Indices {@code start} to {@code start + length - 1} of an axis.
   *
   * @param axis negative axes count from the last
   * @throws IllegalArgumentException if the range is not within the axis
   */
  public static Tensor slice(Tensor x, int axis, int start, int length) {
    int a = Require.axis("slice", x, axis);
    if (start < 0 || length < 0 || start > x.dim(a) - length) {
      throw new IllegalArgumentException(
          "slice: "
              + length
              + " from "
              + start
              + " is not within axis "
              + a
              + " of "
              + x.describe());
    }
    return Operation.apply(new Slice(a, start, length, x.shape()), x);
  }

  /**
   * Cuts an axis into consecutive parts.
   *
   * @param lengths of the parts; they add up to the axis
   * @throws IllegalArgumentException if they do not
   */
  public static Tensor[] split(Tensor x, int axis, int... lengths) {
    int a = Require.axis("split", x, axis);
    long total = 0;
    for (int length : lengths) {
      total += length;
    }
    if (total != x.dim(a)) {
      throw new IllegalArgumentException(
          "split: parts "
              + Arrays.toString(lengths)
              + " add up to "
              + total
              + ", axis "
              + a
              + " of "
              + x.describe()
              + " has "
              + x.dim(a));
    }
    Tensor[] parts = new Tensor[lengths.length];
    int start = 0;
    for (int i = 0; i < parts.length; i++) {
      parts[i] = slice(x, a, start, lengths[i]);
      start += lengths[i];
    }
    return parts;
  }

  private int[] starts() {
    int[] starts = new int[from.rank()];
    starts[axis] = start;
    return starts;
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor y = in[0].like(from.with(axis, length));
    y.backend().slice(in[0], starts(), y);
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor dx = dy.like(from);
    dy.backend().fill(dx, 0);
    dy.backend().place(dy, starts(), dx);
    return new Tensor[] {dx};
  }
}
