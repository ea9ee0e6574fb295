package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Reduction;
import nacre.tensor.spi.Unary;

/**
 * A linear map of the last axis, {@code y = f(x · wᵀ + bias) + residual}. Inputs: x, w, bias
 * (nullable), residual (nullable).
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
    return linear(x, w, bias, f, null);
  }

  /**
   * As {@link #linear(Tensor, Tensor, Tensor, Unary)}, plus a residual in the same pass.
   *
   * @param f nullable
   * @param residual {@code [.., O]}, nullable
   */
  public static Tensor linear(Tensor x, Tensor w, Tensor bias, Unary f, Tensor residual) {
    check("linear", x, w, bias);
    Require.alike("linear", x, residual);
    Shape out = x.shape().with(-1, w.dim(0));
    if (residual != null && !residual.shape().equals(out)) {
      throw new IllegalArgumentException(
          "linear: residual " + residual.describe() + " wants " + out + ", the output's shape");
    }
    return Operation.apply(new Linear(f), x, w, bias, residual);
  }

  /**
   * Several linear maps of one input in one pass, x {@code [.., I]}, w {@code [count, O, I]} →
   * {@code [count, .., O]}. No gradient flows through it.
   *
   * @throws IllegalArgumentException if shapes, dtypes or devices do not fit, or if x or w is
   *     tracked
   */
  public static Tensor linears(Tensor x, Tensor w) {
    Require.rank("linears", "weight", w, 3, "[count, O, I]");
    if (x.tracked() || w.tracked()) {
      throw new IllegalArgumentException("linears: no gradient flows through it; use linear");
    }
    try (Scope _ = Scope.open()) {
      check("linears", x, w.view(Shape.of(w.dim(0) * w.dim(1), w.dim(2))), null);
    }
    int[] dims = new int[x.shape().rank() + 1];
    dims[0] = w.dim(0);
    for (int i = 1; i < dims.length; i++) {
      dims[i] = i == dims.length - 1 ? w.dim(1) : x.dim(i - 1);
    }
    Tensor y = Tensor.empty(x.device(), x.dtype(), Shape.of(dims));
    x.backend().linears(x, w, y);
    return y;
  }

  static void check(String operation, Tensor x, Tensor w, Tensor bias) {
    Require.alike(operation, x, w, bias);
    Require.atLeast(operation, "input", x, 1, "[.., I]");
    Require.rank(operation, "weight", w, 2, "[O, I]");
    if (x.dim(-1) != w.dim(1)) {
      throw new IllegalArgumentException(
          operation
              + ": input "
              + x.describe()
              + " has "
              + x.dim(-1)
              + " features, weight "
              + w.describe()
              + " wants "
              + w.dim(1));
    }
    Require.vector(
        operation, "bias", bias, w.dim(0), "as many as weight " + w.describe() + " has rows");
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor x = in[0];
    Tensor w = in[1];
    Tensor y = x.like(x.shape().with(-1, w.dim(0)));
    if (f == null || !context.recording()) {
      x.backend().linear(x, w, in[2], f, in[3], y);
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
      x.backend().linear(x, w, in[2], null, null, z);
      x.backend().unary(f, z, y);
      if (in[3] != null) {
        x.backend().binary(Binary.ADD, y, in[3], y);
      }
      context.save(savedX, savedW, z);
    }
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor dz = dy;
    if (f != null) {
      dz = dy.like();
      dy.backend().unaryBackward(f, context.saved(2), dy, dz);
    }
    Tensor[] g = gradients(context, context.saved(0), context.saved(1), dz);
    return new Tensor[] {g[0], g[1], g[2], context.needs(3) ? dy : null};
  }

  /** Of the first three inputs, from the gradient of {@code x · wᵀ + bias}. */
  static Tensor[] gradients(Context context, Tensor x, Tensor w, Tensor dz) {
    int features = dz.dim(-1);
    Tensor rows = dz.view(rows(dz));
    Tensor dx = null;
    Tensor dw = null;
    Tensor db = context.needs(2) ? dz.like(Shape.of(features)) : null;
    if (context.needs(0)) {
      dx = dz.like(dz.shape().with(-1, w.dim(1)));
      dz.backend().matmul(rows, false, w, false, null, null, dx.view(rows(dx)));
    }
    if (context.needs(1)) {
      dw = dz.like(Shape.of(features, x.dim(-1)));
      dz.backend().linearWeightGradient(x.view(rows(x)), rows, dw, db);
    } else if (db != null) {
      dz.backend().reduce(Reduction.SUM, rows, db);
    }
    return new Tensor[] {dx, dw, db};
  }

  /** All axes but the last as one. */
  private static Shape rows(Tensor t) {
    return Shape.of(t.shape().folded("linear", 0, t.shape().rank() - 1), t.dim(-1));
  }
}
