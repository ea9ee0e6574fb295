package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Reduction;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/**
 * Two-dimensional convolution (cross-correlation, as the field has it). Inputs: x, w, bias
 * (nullable), residual (nullable).
 *
 * @param f activation after the bias, where there is no residual; nullable
 * @param window stride and padding
 * @param image shape of x
 * @param kernel shape of w
 * @param residual shape of the residual; null where there is none
 */
public record Convolution(Unary f, Window window, Shape image, Shape kernel, Shape residual)
    implements Operation {

  /**
   * x {@code [N, H, W, I]}, w {@code [O, KH, KW, I]} → {@code [N, OH, OW, O]}.
   *
   * @param bias {@code [O]}, nullable
   * @throws IllegalArgumentException if shapes, dtypes or devices do not fit
   */
  public static Tensor conv2d(Tensor x, Tensor w, Tensor bias, Window window) {
    return conv2d(x, w, bias, null, null, window);
  }

  /**
   * As {@link #conv2d(Tensor, Tensor, Tensor, Window)}, then the activation, in one pass when no
   * backward follows.
   *
   * @param f nullable
   */
  public static Tensor conv2d(Tensor x, Tensor w, Tensor bias, Unary f, Window window) {
    return conv2d(x, w, bias, null, f, window);
  }

  /**
   * As {@link #conv2d(Tensor, Tensor, Tensor, Window)}, plus a residual in the same pass.
   *
   * @param residual {@code [N, OH, OW, O]}, or {@code [N, 1, 1, O]} for the same at every pixel;
   *     nullable
   */
  public static Tensor conv2d(Tensor x, Tensor w, Tensor bias, Tensor residual, Window window) {
    return conv2d(x, w, bias, residual, null, window);
  }

  private static Tensor conv2d(
      Tensor x, Tensor w, Tensor bias, Tensor residual, Unary f, Window window) {
    Require.alike("conv2d", x, w, bias, residual);
    Require.rank("conv2d", "input", x, 4, "[N, H, W, I]");
    Require.rank("conv2d", "weight", w, 4, "[O, KH, KW, I]");
    if (x.dim(3) != w.dim(3)) {
      throw new IllegalArgumentException(
          "conv2d: input "
              + x.describe()
              + " has "
              + x.dim(3)
              + " channels, weight "
              + w.describe()
              + " wants "
              + w.dim(3));
    }
    Require.vector(
        "conv2d", "bias", bias, w.dim(0), "as many as weight " + w.describe() + " has outputs");
    Convolution operation =
        new Convolution(
            f, window, x.shape(), w.shape(), residual == null ? null : residual.shape());
    Shape out = operation.outputShape();
    if (residual != null
        && !residual.shape().equals(out)
        && !residual.shape().equals(out.with(1, 1).with(2, 1))) {
      throw new IllegalArgumentException(
          "conv2d: residual "
              + residual.describe()
              + " wants "
              + out
              + ", the output's shape, or "
              + out.with(1, 1).with(2, 1));
    }
    return Operation.apply(operation, x, w, bias, residual);
  }

  private Shape outputShape() {
    int paddedHeight = image.dim(1) + window.top() + window.bottom();
    int paddedWidth = image.dim(2) + window.left() + window.right();
    if (paddedHeight < kernel.dim(1) || paddedWidth < kernel.dim(2)) {
      throw new IllegalArgumentException(
          "conv2d: input " + image + " with " + window + " is smaller than weight " + kernel);
    }
    return Shape.of(
        image.dim(0),
        window.outHeight(image.dim(1), kernel.dim(1)),
        window.outWidth(image.dim(2), kernel.dim(2)),
        kernel.dim(0));
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor x = in[0];
    Tensor w = in[1];
    Tensor y = x.like(outputShape());
    Tensor savedX = context.needs(1) ? x : null;
    Tensor savedW = context.needs(0) ? w : null;
    if (f == null || !context.recording()) {
      x.backend().conv2d(x, w, in[2], in[3], f, window, y);
      context.save(savedX, savedW, null);
      return y;
    }
    try (Tensor z = y.like()) {
      x.backend().conv2d(x, w, in[2], null, null, window, z);
      x.backend().unary(f, z, y);
      context.save(savedX, savedW, z);
    }
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor gradient) {
    Tensor dy = gradient;
    if (f != null) {
      dy = gradient.like();
      dy.backend().unaryBackward(f, context.saved(2), gradient, dy);
    }
    Tensor dx = null;
    Tensor dw = null;
    Tensor db = context.needs(2) ? dy.like(Shape.of(kernel.dim(0))) : null;
    if (context.needs(0)) {
      dx = dy.like(image);
      dy.backend().conv2dInputGradient(dy, context.saved(1), window, dx);
    }
    if (context.needs(1)) {
      dw = dy.like(kernel);
      dy.backend().conv2dWeightGradient(context.saved(0), dy, window, dw, db);
    } else if (db != null) {
      dy.backend().reduce(Reduction.SUM, dy, db);
    }
    Tensor dr = context.needs(3) ? dy : null;
    if (dr != null && !residual.equals(dy.shape())) {
      dr = dy.like(residual);
      dy.backend().reduce(Reduction.SUM, dy, dr);
    }
    return new Tensor[] {dx, dw, db, dr};
  }
}
