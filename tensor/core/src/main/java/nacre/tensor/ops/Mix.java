package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Tensor;

/**
 * {@code a · scaleA + b · scaleB}, elementwise, of one shape. Inputs: a, b.
 *
 * @param scaleA factor of a
 * @param scaleB factor of b
 */
public record Mix(double scaleA, double scaleB) implements Operation {

  /**
   * a · scaleA + b · scaleB.
   *
   * @throws IllegalArgumentException if the shapes, dtypes or devices differ
   */
  public static Tensor mix(Tensor a, double scaleA, Tensor b, double scaleB) {
    Require.alike("mix", a, b);
    if (!a.shape().equals(b.shape())) {
      throw new IllegalArgumentException(
          "mix: shapes of " + a.describe() + " and " + b.describe() + " must be equal");
    }
    return Operation.apply(new Mix(scaleA, scaleB), a, b);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor y = in[0].like();
    in[0].backend().mix(in[0], scaleA, in[1], scaleB, y);
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    return new Tensor[] {
      context.needs(0) ? scaled(dy, scaleA) : null, context.needs(1) ? scaled(dy, scaleB) : null
    };
  }

  private static Tensor scaled(Tensor dy, double scale) {
    if (scale == 1) {
      return dy;
    }
    Tensor dx = dy.like();
    dy.backend().affine(dy, scale, 0, dx);
    return dx;
  }
}
