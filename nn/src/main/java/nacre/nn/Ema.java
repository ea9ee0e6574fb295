package nacre.nn;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * An exponential moving average of parameters. A model that computes with the averages is built on
 * {@link Parameters#over} {@link #tensors}, without a copy.
 */
public final class Ema {
  /** Averages, and the parameters of one type that they follow. */
  private record Pairs(List<Tensor> averages, List<Tensor> parameters) {
    Pairs() {
      this(new ArrayList<>(), new ArrayList<>());
    }

    void add(Tensor average, Tensor parameter) {
      averages.add(average);
      parameters.add(parameter);
    }
  }

  private final double decay;
  private final boolean warmUp;
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final Map<Tensor, Tensor> byParameter = new IdentityHashMap<>();
  private final Map<DType, Pairs> pairs = new EnumMap<>(DType.class);
  private final Device device;
  private final Device home;
  private final Tensor weight;
  private long updates;

  /** As {@link #Ema(Map, double, boolean, Device)}, with averages on the parameters' device. */
  public Ema(Map<String, Tensor> all, double decay, boolean warmUp) {
    this(all, decay, warmUp, all.isEmpty() ? null : all.values().iterator().next().device());
  }

  /**
   * Averages that begin at the parameters' current values and belong to the current scope.
   *
   * @param all every parameter of the model; those that are not trained are not averaged. Averages
   *     are f32, those of parameters in bf16 too: bf16 would not see how slowly they move
   * @param decay weight of the past, such as 0.999; 0 for none: the averages are the parameters
   *     themselves then, and take no memory
   * @param warmUp whether the n-th update (from 0) uses no more than (1 + n) / (10 + n), so that
   *     the untrained beginning is soon forgotten
   * @param home where the averages are held: the parameters' device, or one in the host's memory,
   *     where they take none of the parameters' device
   */
  public Ema(Map<String, Tensor> all, double decay, boolean warmUp, Device home) {
    if (all.isEmpty() || !(decay >= 0 && decay <= 1)) {
      throw new IllegalArgumentException(
          "EMA: wants parameters and a decay between 0 and 1, not " + all.size() + " and " + decay);
    }
    this.decay = decay;
    this.warmUp = warmUp;
    this.device = all.values().iterator().next().device();
    this.home = home;
    this.weight = Tensor.zeros(home, DType.F32, Shape.of());
    all.forEach(
        (name, parameter) -> {
          Tensor average = parameter;
          if (parameter.tracked() && decay > 0) {
            average = Tensor.empty(home, DType.F32, parameter.shape());
            copy(parameter, average);
            pairs.computeIfAbsent(parameter.dtype(), _ -> new Pairs()).add(average, parameter);
            byParameter.put(parameter, average);
          }
          tensors.put(name, average);
        });
  }

  /** Begins again at the parameters' current values, which were loaded into them. */
  public void restart() {
    for (Pairs some : pairs.values()) {
      for (int i = 0; i < some.averages.size(); i++) {
        copy(some.parameters.get(i), some.averages.get(i));
      }
    }
    updates = 0;
  }

  private void copy(Tensor parameter, Tensor average) {
    try (Scope _ = Scope.open()) {
      home.backend().cast(here(parameter), average);
    }
  }

  private Tensor here(Tensor parameter) {
    return isHere() ? parameter : parameter.to(home);
  }

  /** Moves the averages towards the parameters' current values. */
  public void update() {
    begin();
    move();
    end();
  }

  /** Begins an update: writes the weight that {@link #move} uses to the device. */
  public void begin() {
    long past = updates++;
    if (!pairs.isEmpty()) {
      double d = warmUp ? Math.min(decay, (1.0 + past) / (10.0 + past)) : decay;
      home.backend().fill(weight, 1 - d);
    }
  }

  /**
   * What an update does on the parameters' device. Nothing comes from the host, so that it can be
   * captured.
   */
  public void move() {
    if (isHere()) {
      pairs.values().forEach(some -> home.backend().lerp(some.averages, some.parameters, weight));
    }
  }

  /** The average of a parameter, where it is averaged on the device; null if not. */
  Tensor of(Tensor parameter) {
    return isHere() ? byParameter.get(parameter) : null;
  }

  /** What the parameter has of its average, an f32 scalar. */
  Tensor weight() {
    return weight;
  }

  /** As {@link #move}, without those parameters whose averages were moved. */
  void moveOthers(Predicate<Tensor> moved) {
    if (!isHere()) {
      return;
    }
    for (Pairs some : pairs.values()) {
      Pairs others = new Pairs();
      for (int i = 0; i < some.averages.size(); i++) {
        if (!moved.test(some.parameters.get(i))) {
          others.add(some.averages.get(i), some.parameters.get(i));
        }
      }
      if (!others.averages.isEmpty()) {
        home.backend().lerp(others.averages, others.parameters, weight);
      }
    }
  }

  /**
   * The rest of an update: where averages are held elsewhere, moves them there, one parameter at a
   * time, waiting for the parameters' device.
   */
  public void end() {
    if (isHere()) {
      return;
    }
    for (Pairs some : pairs.values()) {
      for (int i = 0; i < some.averages.size(); i++) {
        try (Scope _ = Scope.open()) {
          Tensor now = some.parameters.get(i).to(home);
          home.backend().lerp(List.of(some.averages.get(i)), List.of(now), weight);
        }
      }
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

  /** Whether the averages lie on the parameters' device, so that a model can be built on them. */
  public boolean isHere() {
    return home == device;
  }

  /**
   * {@link #tensors} on the parameters' device: themselves where they lie there, else copies that
   * belong to the current scope.
   */
  public Map<String, Tensor> onDevice() {
    Map<String, Tensor> there = new LinkedHashMap<>();
    tensors.forEach((name, t) -> there.put(name, t.device() == device ? t : t.to(device)));
    return there;
  }

  /** The averages by parameter name; for parameters that are not trained, the parameters. */
  public Map<String, Tensor> tensors() {
    return Collections.unmodifiableMap(tensors);
  }
}
