package nacre.tensor.ops;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Another order of the axes. Input: x, of any dtype.
 *
 * @param axes axis i of the result is axis {@code axes[i]} of x
 */
public record Permute(List<Integer> axes) implements Operation {

  /**
   * Reorders the axes: extent i of the result is {@code x.dim(axes[i])}.
   *
   * @throws IllegalArgumentException if {@code axes} does not name each axis once
   */
  public static Tensor permute(Tensor x, int... axes) {
    int[] sorted = axes.clone();
    Arrays.sort(sorted);
    if (!Arrays.equals(sorted, IntStream.range(0, x.shape().rank()).toArray())) {
      throw new IllegalArgumentException(
          "permute: "
              + Arrays.toString(axes)
              + " does not name each axis of "
              + x.describe()
              + " once");
    }
    return Operation.apply(new Permute(Arrays.stream(axes).boxed().toList()), x);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    return permuted(in[0], axes.stream().mapToInt(Integer::intValue).toArray());
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    int[] inverse = new int[axes.size()];
    for (int i = 0; i < inverse.length; i++) {
      inverse[axes.get(i)] = i;
    }
    return new Tensor[] {permuted(dy, inverse)};
  }

  private static Tensor permuted(Tensor x, int[] order) {
    Tensor y = x.like(Shape.of(Arrays.stream(order).map(x::dim).toArray()));
    x.backend().permute(x, order, y);
    return y;
  }
}
