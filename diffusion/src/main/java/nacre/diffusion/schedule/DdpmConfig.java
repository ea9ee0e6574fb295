package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;
import nacre.weights.ConfigJson;

/**
 * The configuration keys of {@link DdpmScheduler}.
 *
 * @param varianceType of the noise that a step adds
 * @param clipping of the estimates of the clean sample
 */
public record DdpmConfig(VarianceType varianceType, SampleClipping clipping)
    implements MethodConfig {
  static final Set<String> KEYS =
      Set.of(
          "variance_type",
          "clip_sample",
          "clip_sample_range",
          "thresholding",
          "dynamic_thresholding_ratio",
          "sample_max_value",
          "rescale_betas_zero_snr");

  static DdpmConfig of(ConfigJson c) {
    return new DdpmConfig(
        VarianceType.of(c.text("variance_type", VarianceType.FIXED_SMALL.key())),
        SampleClipping.of(c));
  }

  @Override
  public Scheduler scheduler(NoiseSchedule schedule, int steps) {
    return new DdpmScheduler(schedule, this, steps);
  }

  @Override
  public void writeTo(ObjectNode json) {
    json.put("variance_type", varianceType.key());
    clipping.writeClippingTo(json);
    clipping.writeThresholdingTo(json);
  }
}
