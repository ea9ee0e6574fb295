package nacre.tensor.ops;

import java.util.ArrayList;
import java.util.List;
import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Joins tensors along an axis. Inputs: the parts, in order, of any dtype.
 *
 * @param axis along which, not negative
 * @param parts the shapes of the inputs
 */
public record Concat(int axis, List<Shape> parts) implements Operation {

  /**
   * Tensors that differ only in the extent of {@code axis} → one with the extents added.
   *
   * @param axis negative axes count from the last
   * @throws IllegalArgumentException if shapes, dtypes or devices do not fit
   */
  public static Tensor concat(int axis, Tensor... xs) {
    if (xs.length == 0) {
      throw new IllegalArgumentException("concat: no tensors to join");
    }
    int a = Require.axis("concat", xs[0], axis);
    List<Shape> parts = new ArrayList<>(xs.length);
    for (Tensor x : xs) {
      Require.sameDevice("concat", xs[0], x);
      if (x.dtype() != xs[0].dtype()) {
        throw new IllegalArgumentException(
            "concat: dtypes differ: "
                + xs[0].describe()
                + " and "
                + x.describe()
                + "; cast one of them");
      }
      if (x.shape().rank() != xs[0].shape().rank()
          || !x.shape().with(a, 0).equals(xs[0].shape().with(a, 0))) {
        throw new IllegalArgumentException(
            "concat: "
                + xs[0].describe()
                + " and "
                + x.describe()
                + " may differ only in axis "
                + a);
      }
      parts.add(x.shape());
    }
    return Operation.apply(new Concat(a, List.copyOf(parts)), xs);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    int extent = parts.stream().mapToInt(part -> part.dim(axis)).sum();
    Tensor y = in[0].like(parts.getFirst().with(axis, extent));
    int[] starts = new int[y.shape().rank()];
    for (Tensor x : in) {
      y.backend().place(x, starts.clone(), y);
      starts[axis] += x.dim(axis);
    }
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor[] dx = new Tensor[parts.size()];
    int[] starts = new int[dy.shape().rank()];
    for (int i = 0; i < dx.length; i++) {
      if (context.needs(i)) {
        dx[i] = dy.like(parts.get(i));
        dy.backend().slice(dy, starts.clone(), dx[i]);
      }
      starts[axis] += parts.get(i).dim(axis);
    }
    return dx;
  }
}
