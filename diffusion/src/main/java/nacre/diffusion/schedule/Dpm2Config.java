package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import nacre.weights.ConfigJson;

/**
 * The configuration keys of {@link Dpm2Scheduler}.
 *
 * @param sigmas the noise levels
 * @param ancestral whether each step adds noise, which is a class of its own in diffusers
 */
public record Dpm2Config(SigmaConfig sigmas, boolean ancestral) implements MethodConfig {

  static Dpm2Config of(ConfigJson c) {
    return of(c, false);
  }

  static Dpm2Config ofAncestral(ConfigJson c) {
    return of(c, true);
  }

  private static Dpm2Config of(ConfigJson c, boolean ancestral) {
    c.require("prediction_type", "epsilon", "v_prediction");
    return new Dpm2Config(SigmaConfig.of(c, false), ancestral);
  }

  @Override
  public Scheduler scheduler(NoiseSchedule schedule, int steps) {
    return new Dpm2Scheduler(schedule, this, steps);
  }

  @Override
  public void writeTo(ObjectNode json) {
    sigmas.writeSpacingTo(json);
  }
}
