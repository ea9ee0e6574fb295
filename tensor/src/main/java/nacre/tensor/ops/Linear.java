package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.backend.Reduction;
import nacre.tensor.backend.Unary;

/**
 * A linear map of the last axis, {@code y = f(x · wᵀ + bias)}. Inputs: x, w, bias (nullable).
 *
 * @param f activation after the bias; nullable
 */
public record Linear(Unary f) implements Operation {

  /**
   * x {@code [.., I]}, w {@code [O, I]} → {@code [.., O]}.
   *
   * @param bias {@code [O]}, nullable
   * @throws IllegalArgumentException if shapes, dtypes or devices do not fit
   */
  public static Tensor linear(Tensor x, Tensor w, Tensor bias) {
    return linear(x, w, bias, null);
  }

  /**
   * As {@link #linear(Tensor, Tensor, Tensor)}, then the activation, in one pass when no backward
   * follows.
   *
   * @param f nullable
   */
  public static Tensor linear(Tensor x, Tensor w, Tensor bias, Unary f) {
    Require.alike("linear", x, w, bias);
    Require.atLeast("linear", "input", x, 1, "[.., I]");
    Require.rank("linear", "weight", w, 2, "[O, I]");
    if (x.dim(-1) != w.dim(1)) {
      throw new IllegalArgumentException(
          "linear: input "
              + x
              + " has "
              + x.dim(-1)
              + " features, weight "
              + w
              + " wants "
              + w.dim(1));
    }
    Require.vector("linear", "bias", bias, w.dim(0), "as many as weight " + w + " has rows");
    return Operation.apply(new Linear(f), x, w, bias);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor x = in[0];
    Tensor w = in[1];
    Tensor y = x.like(x.shape().with(-1, w.dim(0)));
    if (f == null || !context.recording()) {
      product(x, w, in[2], f, y);
    }
    if (!context.recording()) {
      return y;
    }
    Tensor savedX = context.needs(1) ? x : null;
    Tensor savedW = context.needs(0) ? w : null;
    if (f == null) {
      context.save(savedX, savedW, null);
      return y;
    }
    try (Tensor z = y.like()) {
      product(x, w, in[2], null, z);
      x.backend().unary(f, z, y);
      context.save(savedX, savedW, z);
    }
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor x = context.saved(0);
    Tensor w = context.saved(1);
    Tensor dz = dy;
    if (f != null) {
      dz = dy.like();
      dy.backend().unaryBackward(f, context.saved(2), dy, dz);
    }
    int features = dy.dim(-1);
    Tensor rows = dz.view(rows(dz));
    Tensor dx = null;
    Tensor dw = null;
    Tensor db = context.needs(2) ? dy.like(Shape.of(features)) : null;
    if (context.needs(0)) {
      dx = dy.like(dy.shape().with(-1, w.dim(1)));
      dy.backend().matmul(rows, false, w, false, null, null, dx.view(rows(dx)));
    }
    if (context.needs(1)) {
      dw = dy.like(Shape.of(features, x.dim(-1)));
      dy.backend().linearWeightGradient(x.view(rows(x)), rows, dw, db);
    } else if (db != null) {
      dy.backend().reduce(Reduction.SUM, rows, db);
    }
    return new Tensor[] {dx, dw, db};
  }

  private static void product(Tensor x, Tensor w, Tensor bias, Unary f, Tensor y) {
    try (Tensor xRows = x.view(rows(x));
        Tensor yRows = y.view(rows(y))) {
      x.backend().matmul(xRows, false, w, true, bias, f, yRows);
    }
  }

  /** All axes but the last as one. */
  private static Shape rows(Tensor t) {
    return Shape.of(Math.toIntExact(t.shape().elements(0, t.shape().rank() - 1)), t.dim(-1));
  }
}
