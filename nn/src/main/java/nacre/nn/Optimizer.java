package nacre.nn;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import nacre.tensor.Gradients;
import nacre.tensor.Scope;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * An optimizer: a rule that updates parameters from their gradients. Each backward pass creates new
 * gradients, which belong to its scope, so that there is nothing to set to zero.
 *
 * <pre>{@code
 * Optimizer optimizer = new AdamW(p.trainable(), 1e-3);
 * for (int step = 0; step < 1000; step++) {
 *   float loss = optimizer.minimize(() -> meanSquaredError(model.forward(x), y));
 * }
 * }</pre>
 */
public interface Optimizer {

  /** Sets the learning rate of the steps that follow. */
  void setLearningRate(double rate);

  /**
   * Updates every parameter that has a gradient, at the current learning rate. Nothing comes from
   * the host, so that the step can be captured.
   *
   * @param gradients from parameter to gradient, null for none
   * @throws IllegalStateException if no learning rate was ever set
   */
  void step(Function<Tensor, Tensor> gradients);

  /**
   * The same, then {@link Ema#move}: the averages of the parameters, which an optimizer may move
   * while it has the parameters at hand.
   */
  default void step(Function<Tensor, Tensor> gradients, Ema averages) {
    step(gradients);
    averages.move();
  }

  /** Updates every parameter that has a gradient, at the current learning rate. */
  default void step(Gradients gradients) {
    step(gradients::of);
  }

  /** Sets the rate and updates every parameter that has a gradient. */
  default void step(Gradients gradients, double rate) {
    setLearningRate(rate);
    step(gradients);
  }

  /**
   * A whole step, in a scope and on a tape of its own: loss, backward pass, update. Waits for the
   * device; a loop that should not wait opens its own tape and calls {@link #step(Gradients)}.
   *
   * @param loss computes a tensor of one element
   * @return the loss before the update
   */
  default float minimize(Supplier<Tensor> loss) {
    try (Scope _ = Scope.open();
        Tape tape = Tape.open()) {
      Tensor value = loss.get();
      step(tape.backward(value));
      return value.item();
    }
  }

  /** The optimizer's state by name: what a checkpoint must hold for a run to resume exactly. */
  Map<String, Tensor> state();

  /**
   * Those of {@link #state} that are wanted. Of an optimizer that is divided among ranks all must
   * call it, and get copies in the current scope.
   *
   * @param kept by name
   */
  default Map<String, Tensor> state(Predicate<String> kept) {
    Map<String, Tensor> wanted = new TreeMap<>(state());
    wanted.keySet().removeIf(kept.negate());
    return wanted;
  }

  /** Bytes that the state takes on this rank's device. */
  default long stateBytes() {
    return state().values().stream().mapToLong(Tensor::bytes).sum();
  }

  /**
   * Restores a saved {@link #state}.
   *
   * @throws WeightsException if it belongs to other parameters
   */
  default void load(StateDict saved) throws WeightsException {
    saved.loadInto(state());
  }
}
