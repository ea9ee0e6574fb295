package nacre.nn;

import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;

/** Two linear layers with a function between, {@code fc1} and {@code fc2}. */
public final class Mlp {
  private final Linear first;
  private final Linear second;
  private final Unary activation;

  /** {@code in → inner → out}. */
  public Mlp(Parameters p, int in, int inner, int out, Unary activation) {
    this.first = new Linear(p.at("fc1"), in, inner);
    this.second = new Linear(p.at("fc2"), inner, out);
    this.activation = activation;
  }

  /** {@code x [.., in] → [.., out]}. */
  public Tensor forward(Tensor x) {
    return second.forward(first.forward(x, activation));
  }
}
