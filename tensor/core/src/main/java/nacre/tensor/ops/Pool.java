package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Reduction;
import nacre.tensor.spi.Window;

/**
 * The largest element, or the mean, of each window of an image. What a window holds beyond the
 * image's borders does not count. Input: x.
 *
 * @param reduction {@link Reduction#MAX} or {@link Reduction#MEAN}
 * @param kernel side of the windows
 * @param window how they move
 * @param image shape of x
 */
public record Pool(Reduction reduction, int kernel, Window window, Shape image)
    implements Operation {

  /**
   * The largest of each window: x {@code [N, H, W, C]} → {@code [N, (H − kernel) / stride + 1, (W −
   * kernel) / stride + 1, C]}. Rows and columns beyond the last window are not read. The gradient
   * goes to the first of the largest.
   *
   * @throws IllegalArgumentException if the window is larger than the image
   */
  public static Tensor maxPool(Tensor x, int kernel, int stride) {
    return maxPool(x, kernel, Window.of(stride, 0));
  }

  /** As {@link #maxPool(Tensor, int, int)}, with windows that begin and end outside the image. */
  public static Tensor maxPool(Tensor x, int kernel, Window window) {
    return pool("maxPool", Reduction.MAX, x, kernel, window);
  }

  /**
   * The mean of what each window has of the image: x {@code [N, H, W, C]} → {@code [N, OH, OW, C]}.
   * PyTorch calls this {@code count_include_pad=False}.
   *
   * @throws IllegalArgumentException if the window is larger than the image with its padding
   */
  public static Tensor averagePool(Tensor x, int kernel, Window window) {
    return pool("averagePool", Reduction.MEAN, x, kernel, window);
  }

  private static Tensor pool(String name, Reduction r, Tensor x, int kernel, Window window) {
    Require.rank(name, "input", x, 4, "[N, H, W, C]");
    Require.floating(name, x);
    Pool pool = new Pool(r, kernel, window, x.shape());
    if (kernel < 1
        || window.stride() < 1
        || Math.min(
                Math.min(window.top(), window.left()), Math.min(window.bottom(), window.right()))
            < 0
        || x.dim(1) + window.top() + window.bottom() < kernel
        || x.dim(2) + window.left() + window.right() < kernel) {
      throw new IllegalArgumentException(
          name
              + ": windows of "
              + kernel
              + " with stride "
              + window.stride()
              + " do not fit into "
              + x.describe());
    }
    int most = Math.max(Math.max(window.top(), window.left()), pool.beyond());
    if (most >= kernel) {
      throw new IllegalArgumentException(
          name + ": padding of " + most + " leaves nothing in a window of " + kernel);
    }
    return Operation.apply(pool, x);
  }

  /** How far the last windows reach out of the image. */
  private int beyond() {
    int rows = window.outHeight(image.dim(1), kernel) - 1;
    int columns = window.outWidth(image.dim(2), kernel) - 1;
    return Math.max(
        rows * window.stride() - window.top() + kernel - image.dim(1),
        columns * window.stride() - window.left() + kernel - image.dim(2));
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor x = in[0];
    Tensor y =
        x.like(
            Shape.of(
                image.dim(0),
                window.outHeight(image.dim(1), kernel),
                window.outWidth(image.dim(2), kernel),
                image.dim(3)));
    x.backend().pool(reduction, x, kernel, window, y);
    context.save(reduction == Reduction.MAX ? x : null);
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor dx = dy.like(image);
    dy.backend().poolBackward(reduction, context.saved(0), kernel, window, dy, dx);
    return new Tensor[] {dx};
  }
}
