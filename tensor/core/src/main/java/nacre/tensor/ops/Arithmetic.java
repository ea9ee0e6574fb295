package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Binary;

/**
 * Elementwise arithmetic of two tensors that broadcast to each other: aligned at the last axis,
 * extents equal or 1. Inputs: a, b.
 *
 * @param f which of the four
 * @param shapeA shape of a
 * @param shapeB shape of b
 */
public record Arithmetic(Binary f, Shape shapeA, Shape shapeB) implements Operation {

  /** a + b. */
  public static Tensor add(Tensor a, Tensor b) {
    return arithmetic("add", Binary.ADD, a, b);
  }

  /** a − b. */
  public static Tensor subtract(Tensor a, Tensor b) {
    return arithmetic("subtract", Binary.SUBTRACT, a, b);
  }

  /** a · b. */
  public static Tensor multiply(Tensor a, Tensor b) {
    return arithmetic("multiply", Binary.MULTIPLY, a, b);
  }

  /** a / b. */
  public static Tensor divide(Tensor a, Tensor b) {
    return arithmetic("divide", Binary.DIVIDE, a, b);
  }

  private static Tensor arithmetic(String name, Binary f, Tensor a, Tensor b) {
    Require.alike(name, a, b);
    Shape.broadcast(name, a.shape(), b.shape());
    return Operation.apply(new Arithmetic(f, a.shape(), b.shape()), a, b);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor y = in[0].like(Shape.broadcast("arithmetic", shapeA, shapeB));
    in[0].backend().binary(f, in[0], in[1], y);
    switch (f) {
      case ADD, SUBTRACT -> {}
      case EQUAL, LESS -> throw steps();
      case MULTIPLY ->
          context.save(context.needs(1) ? in[0] : null, context.needs(0) ? in[1] : null);
      case DIVIDE -> context.save(context.needs(1) ? y : null, in[1]);
    }
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor da = context.needs(0) ? Broadcasting.sumTo(left(context, dy), shapeA) : null;
    Tensor db = context.needs(1) ? Broadcasting.sumTo(right(context, dy), shapeB) : null;
    return new Tensor[] {da, db};
  }

  private Tensor left(Context context, Tensor dy) {
    return switch (f) {
      case ADD, SUBTRACT -> dy;
      case MULTIPLY, DIVIDE -> combine(f, dy, context.saved(1));
      case EQUAL, LESS -> throw steps();
    };
  }

  private Tensor right(Context context, Tensor dy) {
    return switch (f) {
      case ADD -> dy;
      case SUBTRACT -> negate(dy, dy.like());
      case EQUAL, LESS -> throw steps();
      case MULTIPLY -> combine(f, dy, context.saved(0));
      case DIVIDE -> {
        // y = a / b, so dy/db = −a / b² = −y / b.
        Tensor t = combine(Binary.MULTIPLY, dy, context.saved(0));
        dy.backend().binary(Binary.DIVIDE, t, context.saved(1), t);
        yield negate(t, t);
      }
    };
  }

  private IllegalStateException steps() {
    return new IllegalStateException(f + " is a step and has no gradient: it is no Arithmetic");
  }

  private static Tensor combine(Binary f, Tensor dy, Tensor other) {
    Tensor t = dy.like();
    dy.backend().binary(f, dy, other, t);
    return t;
  }

  private static Tensor negate(Tensor x, Tensor y) {
    x.backend().affine(x, -1, 0, y);
    return y;
  }
}
