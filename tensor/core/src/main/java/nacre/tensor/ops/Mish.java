package nacre.tensor.ops;

import static nacre.tensor.ops.Activation.softplus;
import static nacre.tensor.ops.Activation.tanh;
import static nacre.tensor.ops.Arithmetic.multiply;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/** The activation Mish (Misra 2019). */
public final class Mish {
  private Mish() {}

  /** x · tanh(log(1 + eˣ)), elementwise; the shape of x. */
  public static Tensor mish(Tensor x) {
    try (Scope scope = Scope.open()) {
      return scope.keep(multiply(x, tanh(softplus(x))));
    }
  }
}
