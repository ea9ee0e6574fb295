package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashSet;
import java.util.Set;
import nacre.weights.ConfigJson;

/**
 * The configuration keys of {@link HeunScheduler}.
 *
 * @param sigmas the noise levels
 * @param clipping of the estimates of the clean sample
 */
public record HeunConfig(SigmaConfig sigmas, SampleClipping clipping) implements MethodConfig {
  static final Set<String> KEYS = keys();

  private static Set<String> keys() {
    Set<String> keys = new HashSet<>(SigmaConfig.SPACINGS);
    keys.addAll(Set.of("clip_sample", "clip_sample_range"));
    return Set.copyOf(keys);
  }

  static HeunConfig of(ConfigJson c) {
    return new HeunConfig(SigmaConfig.of(c, false), SampleClipping.ofClipping(c));
  }

  @Override
  public Scheduler scheduler(NoiseSchedule schedule, int steps) {
    return new HeunScheduler(schedule, this, steps);
  }

  @Override
  public void writeTo(ObjectNode json) {
    sigmas.writeSpacingTo(json);
    clipping.writeClippingTo(json);
  }
}
