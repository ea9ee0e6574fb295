package nacre.nn;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Backend;

/**
 * An exponential moving average of parameters. A model that computes with the averages is built on
 * {@link Parameters#over} {@link #tensors}, without a copy.
 */
public final class Ema {
  private final double decay;
  private final boolean warmUp;
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final List<Tensor> averages = new ArrayList<>();
  private final List<Tensor> parameters = new ArrayList<>();
  private final Backend backend;
  private final Tensor weight;
  private long updates;

  /**
   * Averages that begin at the parameters' current values and belong to the current scope.
   *
   * @param all every parameter of the model; those that are not trained are not averaged
   * @param decay weight of the past, such as 0.999; 0 for none: the averages are the parameters
   *     themselves then, and take no memory
   * @param warmUp whether the n-th update (from 0) uses no more than (1 + n) / (10 + n), so that
   *     the untrained beginning is soon forgotten
   */
  public Ema(Map<String, Tensor> all, double decay, boolean warmUp) {
    if (all.isEmpty() || !(decay >= 0 && decay <= 1)) {
      throw new IllegalArgumentException(
          "EMA: wants parameters and a decay between 0 and 1, not " + all.size() + " and " + decay);
    }
    this.decay = decay;
    this.warmUp = warmUp;
    Device device = all.values().iterator().next().device();
    this.backend = device.backend();
    this.weight = Tensor.zeros(device, DType.F32, Shape.of());
    all.forEach(
        (name, parameter) -> {
          Tensor average = parameter;
          if (parameter.tracked() && decay > 0) {
            average = parameter.like();
            backend.cast(parameter, average);
            averages.add(average);
            parameters.add(parameter);
          }
          tensors.put(name, average);
        });
  }

  /** Begins again at the parameters' current values, which were loaded into them. */
  public void restart() {
    for (int i = 0; i < averages.size(); i++) {
      backend.cast(parameters.get(i), averages.get(i));
    }
    updates = 0;
  }

  /** Moves the averages towards the parameters' current values. */
  public void update() {
    begin();
    move();
  }

  /** Begins an update: writes the weight that {@link #move} uses to the device. */
  public void begin() {
    long past = updates++;
    if (!averages.isEmpty()) {
      double d = warmUp ? Math.min(decay, (1.0 + past) / (10.0 + past)) : decay;
      backend.fill(weight, 1 - d);
    }
  }

  /** The rest of an update. Nothing comes from the host, so that it can be captured. */
  public void move() {
    if (!averages.isEmpty()) {
      backend.lerp(averages, parameters, weight);
    }
  }

  /** Number of updates. */
  public long updates() {
    return updates;
  }

  /** Resumes from a checkpoint whose averages were loaded into {@link #tensors}. */
  public void resume(long updatesMade) {
    updates = updatesMade;
  }

  /** The averages by parameter name; for parameters that are not trained, the parameters. */
  public Map<String, Tensor> tensors() {
    return Collections.unmodifiableMap(tensors);
  }
}
