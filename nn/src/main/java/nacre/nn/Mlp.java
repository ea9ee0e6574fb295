package nacre.nn;

import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;

/** A multilayer perceptron: two linear layers with an activation between them. */
public final class Mlp implements Layer {
  private final Linear first;
  private final Linear second;
  private final Unary activation;

  /** {@code in → inner → out}, under the names {@code fc1} and {@code fc2}. */
  public Mlp(Parameters p, int in, int inner, int out, Unary activation) {
    this(new Linear(p.at("fc1"), in, inner), activation, new Linear(p.at("fc2"), inner, out));
  }

  /** An MLP of existing layers. */
  public Mlp(Linear first, Unary activation, Linear second) {
    this.first = first;
    this.second = second;
    this.activation = activation;
  }

  /** {@code x [.., in] → [.., out]}. */
  @Override
  public Tensor forward(Tensor x) {
    return second.forward(first.forward(x, activation));
  }
}
