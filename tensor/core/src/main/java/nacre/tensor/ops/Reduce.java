package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.DType;
import nacre.tensor.Operation;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Reduction;

/**
 * Sums, means and maxima over axes. Input: x.
 *
 * @param reduction which
 * @param from shape of x
 * @param to shape of the result, which broadcasts to {@code from}
 */
public record Reduce(Reduction reduction, Shape from, Shape to) implements Operation {

  /** What is counted up to here is exact in f16; beyond it a count is rounded, or infinite. */
  private static final int F16_COUNTS = 2049;

  /** The sum of all elements, a scalar. */
  public static Tensor sum(Tensor x) {
    return all("sum", Reduction.SUM, x);
  }

  /** The mean of all elements, a scalar. */
  public static Tensor mean(Tensor x) {
    return all("mean", Reduction.MEAN, x);
  }

  /** Sums over the given axes, which stay with extent 1. */
  public static Tensor sum(Tensor x, int... axes) {
    return some("sum", Reduction.SUM, x, axes);
  }

  /** Means over the given axes, which stay with extent 1. */
  public static Tensor mean(Tensor x, int... axes) {
    return some("mean", Reduction.MEAN, x, axes);
  }

  /** The largest of all elements, a scalar. Equals share the gradient. */
  public static Tensor max(Tensor x) {
    return all("max", Reduction.MAX, x);
  }

  /** The largest over the given axes, which stay with extent 1. Equals share the gradient. */
  public static Tensor max(Tensor x, int... axes) {
    return some("max", Reduction.MAX, x, axes);
  }

  private static Tensor all(String name, Reduction reduction, Tensor x) {
    Require.floating(name, x);
    return Operation.apply(new Reduce(reduction, x.shape(), Shape.of()), x);
  }

  private static Tensor some(String name, Reduction reduction, Tensor x, int... axes) {
    Require.floating(name, x);
    Shape to = x.shape();
    for (int axis : axes) {
      to = to.with(Require.axis(name, x, axis), 1);
    }
    return Operation.apply(new Reduce(reduction, x.shape(), to), x);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor y = in[0].like(to);
    in[0].backend().reduce(reduction, in[0], y);
    if (reduction == Reduction.MAX) {
      context.save(in[0], y);
    }
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    return new Tensor[] {
      switch (reduction) {
        case SUM -> Broadcasting.stretch(dy, from);
        case MEAN -> {
          Tensor share = dy.like();
          dy.backend().affine(dy, (double) to.elements() / from.elements(), 0, share);
          yield Broadcasting.stretch(share, from);
        }
        case MAX -> toLargest(context.saved(0), context.saved(1), dy);
      }
    };
  }

  /** dy in equal shares to the elements that are the largest. */
  private static Tensor toLargest(Tensor x, Tensor largest, Tensor dy) {
    Tensor dx = x.like();
    x.backend().binary(Binary.EQUAL, x, largest, dx);
    try (Tensor share = dy.like()) {
      if (x.dtype() == DType.F16 && x.elements() / largest.elements() >= F16_COUNTS) {
        shareInF32(dx, dy, share);
      } else {
        x.backend().reduce(Reduction.SUM, dx, share);
        x.backend().binary(Binary.DIVIDE, dy, share, share);
      }
      x.backend().binary(Binary.MULTIPLY, dx, share, dx);
    }
    return dx;
  }

  /** f16 ends at 65,504: a larger count of equals would be infinite, and their shares zero. */
  private static void shareInF32(Tensor equals, Tensor dy, Tensor share) {
    try (Scope _ = Scope.open()) {
      Tensor ones = Tensor.empty(dy.device(), DType.F32, equals.shape());
      Tensor count = Tensor.empty(dy.device(), DType.F32, dy.shape());
      Tensor wide = Tensor.empty(dy.device(), DType.F32, dy.shape());
      dy.backend().cast(equals, ones);
      dy.backend().reduce(Reduction.SUM, ones, count);
      dy.backend().cast(dy, wide);
      dy.backend().binary(Binary.DIVIDE, wide, count, wide);
      dy.backend().cast(wide, share);
    }
  }
}
