package nacre.nn;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Backend;

/** The parameters of an optimizer: their device, and their learning rate on it. */
final class TrainedParameters {
  private final String optimizer;
  private final Tensor rate;
  private boolean rateIsSet;

  /**
   * Checks the parameters; what is made belongs to the current scope.
   *
   * @param types in which the optimizer can train
   * @throws IllegalArgumentException if there are none, or one is of another type
   */
  TrainedParameters(String optimizer, Map<String, Tensor> parameters, DType... types) {
    if (parameters.isEmpty()) {
      throw new IllegalArgumentException(optimizer + ": there are no parameters to train");
    }
    parameters.forEach(
        (name, parameter) -> {
          if (!List.of(types).contains(parameter.dtype())) {
            throw new IllegalArgumentException(
                String.format(
                    Locale.ROOT,
                    "%s: %s is %s; parameters are trained in %s",
                    optimizer,
                    name,
                    parameter.describe(),
                    Arrays.stream(types).map(DType::toString).collect(Collectors.joining(" or "))));
          }
        });
    this.optimizer = optimizer;
    Tensor any = parameters.values().iterator().next();
    this.rate = Tensor.zeros(any.device(), DType.F32, Shape.of());
  }

  Backend backend() {
    return rate.backend();
  }

  void setLearningRate(double value) {
    backend().fill(rate, value);
    rateIsSet = true;
  }

  /** An f32 scalar. */
  Tensor learningRate() {
    if (!rateIsSet) {
      throw new IllegalStateException(
          optimizer + ": no learning rate was set; call setLearningRate before the first step");
    }
    return rate;
  }
}
