package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.DType;
import nacre.tensor.Operation;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * A choice between two tensors, element by element. Inputs: mask, a, b.
 *
 * @param shapeA shape of a
 * @param shapeB shape of b
 */
public record Where(Shape shapeA, Shape shapeB) implements Operation {

  /**
   * a where the mask is not zero, else b; the three broadcast to each other.
   *
   * @param mask u8, or of a's dtype, as {@link Comparison} makes it; without a gradient
   * @throws IllegalArgumentException if shapes, dtypes or devices do not fit
   */
  public static Tensor where(Tensor mask, Tensor a, Tensor b) {
    Require.alike("where", a, b);
    Require.sameDevice("where", mask, a);
    if (mask.dtype() != DType.U8 && mask.dtype() != a.dtype()) {
      throw new IllegalArgumentException(
          "where: mask "
              + mask.describe()
              + " wants dtype u8 or "
              + a.dtype()
              + ", that of "
              + a.describe());
    }
    Shape both = Shape.broadcast("where", a.shape(), b.shape());
    Shape.broadcast("where", mask.shape(), both);
    return Operation.apply(new Where(a.shape(), b.shape()), mask, a, b);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Shape shape = Shape.broadcast("where", in[0].shape(), Shape.broadcast("where", shapeA, shapeB));
    try (Scope scope = Scope.open()) {
      Tensor mask = in[0];
      if (mask.dtype() == DType.U8 && !mask.shape().equals(shape)) {
        Tensor floating = Tensor.empty(mask.device(), in[1].dtype(), mask.shape());
        mask.backend().cast(mask, floating);
        mask = floating;
      }
      mask = Broadcasting.stretch(mask, shape);
      Tensor a = Broadcasting.stretch(in[1], shape);
      Tensor b = Broadcasting.stretch(in[2], shape);
      Tensor y = in[1].like(shape);
      y.backend().select(mask, a, b, y);
      context.save(mask);
      return scope.keep(y);
    }
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor mask = context.saved(0);
    Tensor da = null;
    if (context.needs(1)) {
      da = dy.like();
      dy.backend().select(mask, dy, null, da);
      da = Broadcasting.sumTo(da, shapeA);
    }
    Tensor db = null;
    if (context.needs(2)) {
      db = dy.like();
      dy.backend().select(mask, null, dy, db);
      db = Broadcasting.sumTo(db, shapeB);
    }
    return new Tensor[] {null, da, db};
  }
}
