package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;
import nacre.weights.ConfigJson;

/**
 * What only {@link DdimScheduler} has.
 *
 * @param setAlphaToOne whether the last step ends at no noise rather than at timestep 0
 * @param limit of the estimates of the clean sample
 */
public record DdimConfig(boolean setAlphaToOne, SampleClipping limit) implements MethodConfig {
  static final Set<String> KEYS =
      Set.of(
          "set_alpha_to_one",
          "clip_sample",
          "clip_sample_range",
          "thresholding",
          "dynamic_thresholding_ratio",
          "sample_max_value",
          "rescale_betas_zero_snr");

  static DdimConfig of(ConfigJson c) {
    return new DdimConfig(c.flag("set_alpha_to_one", true), SampleClipping.of(c));
  }

  @Override
  public Scheduler scheduler(NoiseSchedule schedule, int steps) {
    return new DdimScheduler(schedule, this, steps);
  }

  @Override
  public void writeTo(ObjectNode json) {
    json.put("set_alpha_to_one", setAlphaToOne);
    limit.writeClippingTo(json);
    limit.writeThresholdingTo(json);
  }
}
