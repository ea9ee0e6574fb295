package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.OptionalDouble;
import nacre.weights.ConfigJson;

/**
 * The configuration keys of {@link LmsScheduler}.
 *
 * @param sigmas the noise levels
 */
public record LmsConfig(SigmaConfig sigmas) implements MethodConfig {

  static LmsConfig of(ConfigJson c) {
    return new LmsConfig(ownRange(SigmaConfig.of(c, false)));
  }

  /** As diffusers: where it spaces as Karras et al. do, it asks no config for the range. */
  static SigmaConfig ownRange(SigmaConfig sigmas) {
    return sigmas.spacing() == SigmaSpacing.KARRAS
        ? new SigmaConfig(sigmas.spacing(), false, OptionalDouble.empty(), OptionalDouble.empty())
        : sigmas;
  }

  @Override
  public Scheduler scheduler(NoiseSchedule schedule, int steps) {
    return new LmsScheduler(schedule, this, steps);
  }

  @Override
  public void writeTo(ObjectNode json) {
    sigmas.writeSpacingTo(json);
  }
}
