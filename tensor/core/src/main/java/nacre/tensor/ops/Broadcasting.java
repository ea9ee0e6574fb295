package nacre.tensor.ops;

import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Reduction;

/** The two directions between a shape and one that it broadcasts to. */
final class Broadcasting {
  private Broadcasting() {}

  /** Sums x over the axes along which {@code shape} was stretched; x itself if there are none. */
  static Tensor sumTo(Tensor x, Shape shape) {
    if (x.shape().equals(shape)) {
      return x;
    }
    if (x.elements() == shape.elements()) {
      return x.view(shape);
    }
    Tensor y = x.like(shape);
    x.backend().reduce(Reduction.SUM, x, y);
    return y;
  }

  /** Repeats x along the axes where {@code shape} is longer. */
  static Tensor stretch(Tensor x, Shape shape) {
    if (x.elements() == shape.elements()) {
      return x.view(shape);
    }
    Tensor y = x.like(shape);
    try (Tensor one = Tensor.full(x.device(), x.dtype(), Shape.of(), 1)) {
      x.backend().binary(Binary.MULTIPLY, x, one, y);
    }
    return y;
  }
}
