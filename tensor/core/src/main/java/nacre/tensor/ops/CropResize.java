package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.DType;
import nacre.tensor.Operation;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Boxes cut out of images and resampled by an antialiased triangle filter. Inputs: x, boxes. The
 * boxes have no gradient.
 *
 * @param height of the crops in pixels
 * @param width of the crops in pixels
 * @param image shape of x
 */
public record CropResize(int height, int width, Shape image) implements Operation {

  /**
   * x {@code [N, H, W, C]}, boxes {@code [N, R, 4]} → {@code [N, R, height, width, C]}. What of a
   * box lies outside the image is zero.
   *
   * @param boxes f32, (y0, x0, y1, x1) in units of the image
   * @throws IllegalArgumentException if shapes, dtypes or devices do not fit
   */
  public static Tensor cropResize(Tensor x, Tensor boxes, int height, int width) {
    Require.floating("cropResize", x);
    Require.rank("cropResize", "input", x, 4, "[N, H, W, C]");
    Require.rank("cropResize", "boxes", boxes, 3, "[N, R, 4]");
    Require.sameDevice("cropResize", x, boxes);
    if (boxes.dtype() != DType.F32 || boxes.dim(0) != x.dim(0) || boxes.dim(2) != 4) {
      throw new IllegalArgumentException(
          "cropResize: boxes "
              + boxes.describe()
              + " want f32["
              + x.dim(0)
              + ", R, 4] for input "
              + x.describe());
    }
    if (boxes.tracked()) {
      throw new IllegalArgumentException(
          "cropResize: boxes " + boxes.describe() + " have no gradient here; detach() them");
    }
    if (height < 1 || width < 1) {
      throw new IllegalArgumentException(
          "cropResize: crops of " + height + " × " + width + " pixels are empty");
    }
    return Operation.apply(new CropResize(height, width, x.shape()), x, boxes);
  }

  /** x {@code [N, H, W, C]} → {@code [N, height, width, C]}: an antialiased bilinear resize. */
  public static Tensor resize(Tensor x, int height, int width) {
    Require.floating("resize", x);
    Require.rank("resize", "input", x, 4, "[N, H, W, C]");
    try (Scope scope = Scope.open()) {
      // The box (0, 0, 1, 1) of each image, made where it is read: a resize may be repeated.
      Tensor boxes = Tensor.zeros(x.device(), DType.F32, Shape.of(x.dim(0), 1, 4));
      Tensor ends = Tensor.full(x.device(), DType.F32, Shape.of(x.dim(0), 1, 2), 1);
      x.backend().place(ends, new int[] {0, 0, 2}, boxes);
      Tensor crops = cropResize(x, boxes, height, width);
      return scope.keep(Reshape.reshape(crops, x.dim(0), height, width, x.dim(3)));
    }
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor x = in[0];
    Tensor y = x.like(Shape.of(x.dim(0), in[1].dim(1), height, width, x.dim(3)));
    x.backend().cropResize(x, in[1], y);
    context.save(in[1]);
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor dx = dy.like(image);
    dy.backend().cropResizeBackward(dy, context.saved(0), dx);
    return new Tensor[] {dx, null};
  }
}
