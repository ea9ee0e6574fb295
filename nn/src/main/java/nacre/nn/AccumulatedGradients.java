package nacre.nn;

import java.util.IdentityHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiConsumer;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Backend;

/**
 * Gradient accumulation: the gradients of a batch that is computed in equal parts, one after the
 * other, so that only the activations of one part are held at a time. The sums are those of the
 * whole batch up to rounding, given a loss that is a mean over the batch. Each parameter has one
 * sum, to which backward adds in place, from the first part on which the loss depends on it; those
 * of bf16 parameters are f32 throughout.
 *
 * <pre>{@code
 * sums.clear();
 * for (Tensor part : parts) {
 *   try (Scope _ = Scope.open();
 *       Tape tape = Tape.open()) {
 *     sums.add(tape, loss(part));
 *   }
 * }
 * optimizer.step(sums::of);
 * }</pre>
 */
public final class AccumulatedGradients {
  private final int parts;
  private final Scope home = Scope.current();
  private final Map<Tensor, Tensor> sums = new IdentityHashMap<>();
  private final Map<String, Tensor> parameters;
  private final Backend backend;
  private final Tensor loss;

  /**
   * Sums that belong to the current scope.
   *
   * @param parameters those that are trained, by name, all of one device
   * @param parts how many parts a batch has
   */
  public AccumulatedGradients(Map<String, Tensor> parameters, int parts) {
    if (parameters.isEmpty() || parts < 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "accumulated gradients: wants parameters and at least 1 part, not %d and %d",
              parameters.size(),
              parts));
    }
    this.parameters = Map.copyOf(parameters);
    this.parts = parts;
    Device device = parameters.values().iterator().next().device();
    this.backend = device.backend();
    this.loss = Tensor.zeros(device, DType.F32, Shape.of());
  }

  /** Sets the sums to zero, before the first part of a batch. */
  public void clear() {
    backend.fill(loss, 0);
    sums.values().forEach(sum -> backend.fill(sum, 0));
  }

  /**
   * Whether the first part ever has been added. It finds out which parameters have gradients, and
   * its gradients become the sums, so that a captured step can contain only what comes after, where
   * every part depends on the same parameters.
   */
  public boolean ready() {
    return !sums.isEmpty();
  }

  /**
   * Goes back through a part's loss, and adds its gradients.
   *
   * @param partLoss the mean over the part, an f32 scalar computed on the tape
   */
  public void add(Tape tape, Tensor partLoss) {
    add(tape, partLoss, null);
  }

  /**
   * The same of the last part, after which sums are finished.
   *
   * @param done takes a parameter and its sum as soon as it is, to be read only; null for nothing.
   *     Of parameters on which this part's loss does not depend nothing is told
   */
  public void add(Tape tape, Tensor partLoss, BiConsumer<Tensor, Tensor> done) {
    Tensor share = Tensor.full(partLoss.device(), DType.F32, partLoss.shape(), 1.0 / parts);
    Map<Tensor, Tensor> wanted = new IdentityHashMap<>(sums);
    parameters.values().forEach(parameter -> wanted.putIfAbsent(parameter, null));
    Gradients gradients = tape.backward(Map.of(partLoss, share), wanted, done);
    for (Tensor parameter : parameters.values()) {
      if (!sums.containsKey(parameter)) {
        take(parameter, gradients.of(parameter));
      }
    }
    backend.mix(loss, 1, partLoss, 1.0 / parts, loss);
  }

  private void take(Tensor parameter, Tensor gradient) {
    if (gradient == null) {
      return;
    }
    Tensor sum = gradient;
    if (!gradient.unshared()) {
      sum = gradient.like();
      backend.cast(gradient, sum);
      gradient.close();
    }
    sums.put(parameter, home.adopt(sum));
  }

  /**
   * The gradient of a parameter over the parts since {@link #clear}; null if the loss of no part
   * has depended on it so far.
   */
  public Tensor of(Tensor parameter) {
    return sums.get(parameter);
  }

  /** The mean loss over the parts so far, an f32 scalar. */
  public Tensor loss() {
    return loss;
  }
}
