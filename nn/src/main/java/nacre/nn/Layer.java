package nacre.nn;

import nacre.tensor.Tensor;

/**
 * A function of one tensor, with or without parameters of its own. Layers that Nacre has implement
 * it, and a lambda or a method of {@link nacre.tensor.ops.Ops} is one: {@code Ops::relu}. {@link
 * Sequential} chains them.
 */
@FunctionalInterface
public interface Layer {
  /** Computes the output for an input, in the current scope. */
  Tensor forward(Tensor x);

  /** This layer, then another. */
  default Layer then(Layer next) {
    return Sequential.of(this, next);
  }
}
