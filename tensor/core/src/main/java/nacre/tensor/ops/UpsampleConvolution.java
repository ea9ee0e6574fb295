package nacre.tensor.ops;

import java.util.Locale;
import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Reduction;
import nacre.tensor.spi.Window;

/**
 * A 3 × 3 convolution of an image enlarged to twice its size, as decoders have it. Together they
 * are one transposed convolution of less than half the work, and the enlarged image need not be
 * kept for the gradients. Inputs: x, w, bias (nullable).
 *
 * @param image shape of x
 * @param kernel shape of w
 */
public record UpsampleConvolution(Shape image, Shape kernel) implements Operation {
  private static final Window WINDOW = Window.of(1, 1);

  /**
   * x {@code [N, H, W, I]}, w {@code [O, 3, 3, I]} → {@code [N, 2H, 2W, O]}: each pixel repeated 2
   * × 2 times, then the convolution with one row and column of zeros around.
   *
   * @param bias {@code [O]}, nullable
   * @throws IllegalArgumentException if shapes, dtypes or devices do not fit
   */
  public static Tensor upsampleConv2d(Tensor x, Tensor w, Tensor bias) {
    Require.alike("upsampleConv2d", x, w, bias);
    Require.rank("upsampleConv2d", "input", x, 4, "[N, H, W, I]");
    Require.rank("upsampleConv2d", "weight", w, 4, "[O, 3, 3, I]");
    if (w.dim(1) != 3 || w.dim(2) != 3 || w.dim(3) != x.dim(3)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "upsampleConv2d: input %s wants a weight [O, 3, 3, %d], not %s",
              x.describe(),
              x.dim(3),
              w.describe()));
    }
    Require.vector(
        "upsampleConv2d", "bias", bias, w.dim(0), "as many as weight " + w.describe() + " has");
    return Operation.apply(new UpsampleConvolution(x.shape(), w.shape()), x, w, bias);
  }

  private Shape enlarged(int channels) {
    return Shape.of(image.dim(0), 2 * image.dim(1), 2 * image.dim(2), channels);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor x = in[0];
    Tensor w = in[1];
    Tensor y = x.like(enlarged(kernel.dim(0)));
    x.backend().upsampleConv2d(x, w, in[2], y);
    context.save(context.needs(1) ? x : null, context.needs(0) ? w : null);
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor dx = null;
    Tensor dw = null;
    Tensor db = context.needs(2) ? dy.like(Shape.of(kernel.dim(0))) : null;
    Tensor large = context.needs(0) || context.needs(1) ? dy.like(enlarged(kernel.dim(3))) : null;
    if (context.needs(1)) {
      dw = dy.like(kernel);
      dy.backend().upsampleNearest(context.saved(0), 2, large);
      dy.backend().conv2dWeightGradient(large, dy, WINDOW, dw, db);
    } else if (db != null) {
      dy.backend().reduce(Reduction.SUM, dy, db);
    }
    if (context.needs(0)) {
      dx = dy.like(image);
      dy.backend().conv2dInputGradient(dy, context.saved(1), WINDOW, large);
      dy.backend().upsampleNearestBackward(large, 2, dx);
    }
    if (large != null) {
      large.close();
    }
    return new Tensor[] {dx, dw, db};
  }
}
