package nacre.lab.bench;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import nacre.neuralassets.training.Trainer;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * What an update of all parameters takes, and what of it the pass over the gradients that finds
 * their norm, before the update can begin. Seconds, medians.
 *
 * @param update with the norm
 * @param norm alone
 */
record NormShare(double update, double norm) {
  private static final int ROUNDS = 41;

  /** Measures on gradients that are zero, in turn; the model's own numbers do not matter then. */
  static NormShare of(Trainer trainer, Device device) {
    try (Scope _ = Scope.open()) {
      Map<Tensor, Tensor> gradients = new LinkedHashMap<>();
      trainer.trainedParameters().values().forEach(p -> gradients.put(p, zeros(device, p)));
      List<Tensor> all = List.copyOf(gradients.values());
      Tensor sum = Tensor.zeros(device, DType.F32, Shape.of());
      trainer.optimizer().setLearningRate(0);
      double[] updates = new double[ROUNDS];
      double[] norms = new double[ROUNDS];
      for (int i = -10; i < ROUNDS; i++) { // the first ones warm up
        double update = seconds(() -> trainer.optimizer().step(gradients::get), sum);
        double norm = seconds(() -> device.backend().sumOfSquares(all, sum), sum);
        if (i >= 0) {
          updates[i] = update;
          norms[i] = norm;
        }
      }
      return new NormShare(median(updates), median(norms));
    }
  }

  private static Tensor zeros(Device device, Tensor like) {
    return Tensor.zeros(device, like.dtype(), like.shape());
  }

  /** Until the device has done it. */
  private static double seconds(Runnable work, Tensor any) {
    any.item();
    long begun = System.nanoTime();
    work.run();
    any.item();
    return (System.nanoTime() - begun) * 1e-9;
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  /**
   * One line.
   *
   * @param step what a whole step of training takes
   */
  String describe(double step) {
    return String.format(
        Locale.ROOT,
        "step    %.2f ms, of which the update %.2f ms (%.1f %%),"
            + " of which the gradients' norm %.2f ms (%.1f %% of the step)",
        1e3 * step,
        1e3 * update,
        100 * update / step,
        1e3 * norm,
        100 * norm / step);
  }
}
