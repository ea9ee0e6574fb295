package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;
import nacre.weights.ConfigJson;

/**
 * The configuration keys of {@link DdimScheduler}.
 *
 * @param setAlphaToOne whether the last step ends at no noise rather than at timestep 0
 * @param clipping of the estimates of the clean sample
 */
public record DdimConfig(boolean setAlphaToOne, SampleClipping clipping) implements MethodConfig {
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
    clipping.writeClippingTo(json);
    clipping.writeThresholdingTo(json);
  }
}
