package nacre.tensor.ops;

import java.util.Arrays;
import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The same elements in another shape, in the same memory. Input: x, of any dtype.
 *
 * @param from shape of x
 * @param to shape of the result
 */
public record Reshape(Shape from, Shape to) implements Operation {

  /**
   * The elements of x, in row-major order, in a shape of as many elements; nothing is copied.
   *
   * @param dims the extents; one may be −1 and is then worked out
   * @throws IllegalArgumentException if the counts do not agree
   */
  public static Tensor reshape(Tensor x, int... dims) {
    int unknown = -1;
    long known = 1;
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] == -1 && unknown < 0) {
        unknown = i;
      } else if (dims[i] < 0) {
        throw wrong(x, dims);
      } else {
        known = Math.multiplyHigh(known, dims[i]) == 0 ? known * dims[i] : -1;
        if (known < 0) {
          throw wrong(x, dims);
        }
      }
    }
    int[] extents = dims.clone();
    if (unknown >= 0) {
      if (known == 0 || x.elements() % known != 0) {
        throw wrong(x, dims);
      }
      if (x.elements() / known > Integer.MAX_VALUE) {
        throw wrong(x, dims);
      }
      extents[unknown] = (int) (x.elements() / known);
    } else if (known != x.elements()) {
      throw wrong(x, dims);
    }
    return Operation.apply(new Reshape(x.shape(), Shape.of(extents)), x);
  }

  private static IllegalArgumentException wrong(Tensor x, int[] dims) {
    return new IllegalArgumentException(
        "reshape: "
            + x.describe()
            + " with its "
            + x.elements()
            + " elements does not fit "
            + Arrays.toString(dims));
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    return in[0].view(to);
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    return new Tensor[] {dy.view(from)};
  }
}
