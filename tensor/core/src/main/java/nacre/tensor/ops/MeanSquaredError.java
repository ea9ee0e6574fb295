package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.DType;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/** The mean of {@code (a − b)²}, an f32 scalar. Inputs: a, b, of one shape. */
public record MeanSquaredError() implements Operation {

  /**
   * a, b of one shape → f32 scalar.
   *
   * @throws IllegalArgumentException if the shapes, dtypes or devices differ
   */
  public static Tensor meanSquaredError(Tensor a, Tensor b) {
    Require.alike("meanSquaredError", a, b);
    if (!a.shape().equals(b.shape())) {
      throw new IllegalArgumentException(
          "meanSquaredError: shapes of "
              + a.describe()
              + " and "
              + b.describe()
              + " must be equal");
    }
    return Operation.apply(new MeanSquaredError(), a, b);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor y = Tensor.empty(in[0].device(), DType.F32, Shape.of());
    in[0].backend().meanSquaredError(in[0], in[1], y);
    context.save(in[0], in[1]);
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor a = context.saved(0);
    Tensor b = context.saved(1);
    return new Tensor[] {
      context.needs(0) ? gradient(a, b, dy) : null, context.needs(1) ? gradient(b, a, dy) : null
    };
  }

  private static Tensor gradient(Tensor of, Tensor other, Tensor dy) {
    Tensor d = of.like();
    dy.backend().meanSquaredErrorBackward(of, other, dy, d);
    return d;
  }
}
