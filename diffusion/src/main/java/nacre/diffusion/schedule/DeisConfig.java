package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashSet;
import java.util.Set;
import nacre.weights.ConfigJson;

/**
 * The configuration keys of {@link DeisScheduler}.
 *
 * @param order 1 to 3: number of predictions that a step uses
 * @param lowerOrderFinal whether the last steps of fewer than 15 are of a lower order
 * @param sigmas the noise levels, which end at the lowest
 * @param clipping of the estimates of the clean sample
 */
public record DeisConfig(
    int order, boolean lowerOrderFinal, SigmaConfig sigmas, SampleClipping clipping)
    implements MethodConfig {
  static final Set<String> KEYS = keys();

  private static Set<String> keys() {
    Set<String> keys = new HashSet<>(SigmaConfig.SPACINGS);
    keys.addAll(
        Set.of(
            "solver_order",
            "solver_type",
            "algorithm_type",
            "lower_order_final",
            "thresholding",
            "dynamic_thresholding_ratio",
            "sample_max_value"));
    return Set.copyOf(keys);
  }

  /** Checks the order. */
  public DeisConfig {
    if (order < 1 || order > 3) {
      throw new IllegalArgumentException(
          "scheduler: solver_order is " + order + ", 1, 2 or 3 is wanted");
    }
  }

  static DeisConfig of(ConfigJson c) {
    // Those of DPM-Solver and UniPC stand for the only ones, as in diffusers.
    c.require("algorithm_type", "deis", "dpmsolver", "dpmsolver++");
    c.require("solver_type", "logrho", "midpoint", "heun", "bh1", "bh2");
    return new DeisConfig(
        c.integer("solver_order", 2),
        c.flag("lower_order_final", true),
        SigmaConfig.of(c, true),
        SampleClipping.ofThresholding(c));
  }

  @Override
  public Scheduler scheduler(NoiseSchedule schedule, int steps) {
    return new DeisScheduler(schedule, this, steps);
  }

  @Override
  public void writeTo(ObjectNode json) {
    json.put("solver_order", order)
        .put("solver_type", "logrho")
        .put("algorithm_type", "deis")
        .put("lower_order_final", lowerOrderFinal);
    sigmas.writeSpacingTo(json);
    clipping.writeThresholdingTo(json);
  }
}
