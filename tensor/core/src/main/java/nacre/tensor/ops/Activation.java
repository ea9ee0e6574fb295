package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;

/**
 * An elementwise function of one argument. Input: x, of any shape.
 *
 * @param f the function
 */
public record Activation(Unary f) implements Operation {

  /** y = f(x), elementwise. */
  public static Tensor activation(Unary f, Tensor x) {
    Require.floating(f.name().toLowerCase(java.util.Locale.ROOT), x);
    return Operation.apply(new Activation(f), x);
  }

  /** x · sigmoid(x). */
  public static Tensor silu(Tensor x) {
    return activation(Unary.SILU, x);
  }

  /** x · Φ(x), with the error function. */
  public static Tensor gelu(Tensor x) {
    return activation(Unary.GELU, x);
  }

  /** GELU by the tanh approximation. */
  public static Tensor geluTanh(Tensor x) {
    return activation(Unary.GELU_TANH, x);
  }

  /** x · sigmoid(1.702 x), the GELU of CLIP. */
  public static Tensor quickGelu(Tensor x) {
    return activation(Unary.QUICK_GELU, x);
  }

  /** 1 / (1 + e⁻ˣ). */
  public static Tensor sigmoid(Tensor x) {
    return activation(Unary.SIGMOID, x);
  }

  /** max(x, 0). */
  public static Tensor relu(Tensor x) {
    return activation(Unary.RELU, x);
  }

  /** Hyperbolic tangent. */
  public static Tensor tanh(Tensor x) {
    return activation(Unary.TANH, x);
  }

  /** eˣ. */
  public static Tensor exp(Tensor x) {
    return activation(Unary.EXP, x);
  }

  /** x². */
  public static Tensor square(Tensor x) {
    return activation(Unary.SQUARE, x);
  }

  /** √x. */
  public static Tensor sqrt(Tensor x) {
    return activation(Unary.SQRT, x);
  }

  /** Sine. */
  public static Tensor sin(Tensor x) {
    return activation(Unary.SIN, x);
  }

  /** Cosine. */
  public static Tensor cos(Tensor x) {
    return activation(Unary.COS, x);
  }

  /** Natural logarithm. */
  public static Tensor log(Tensor x) {
    return activation(Unary.LOG, x);
  }

  /** log(1 + eˣ). */
  public static Tensor softplus(Tensor x) {
    return activation(Unary.SOFTPLUS, x);
  }

  /** |x|; the gradient at zero is zero. */
  public static Tensor abs(Tensor x) {
    return activation(Unary.ABS, x);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor y = in[0].like();
    in[0].backend().unary(f, in[0], y);
    context.save(in[0]);
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor dx = dy.like();
    dy.backend().unaryBackward(f, context.saved(0), dy, dx);
    return new Tensor[] {dx};
  }
}
