package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;
import nacre.weights.ConfigJson;

/**
 * The configuration keys of {@link PndmScheduler}.
 *
 * @param skipPrkSteps whether the first steps do without Runge-Kutta (Stable Diffusion)
 * @param setAlphaToOne whether the last step ends at no noise rather than at timestep 0
 */
public record PndmConfig(boolean skipPrkSteps, boolean setAlphaToOne) implements MethodConfig {
  static final Set<String> KEYS = Set.of("skip_prk_steps", "set_alpha_to_one");

  static PndmConfig of(ConfigJson c) {
    c.require("prediction_type", "epsilon", "v_prediction");
    return new PndmConfig(c.flag("skip_prk_steps", false), c.flag("set_alpha_to_one", false));
  }

  @Override
  public Scheduler scheduler(NoiseSchedule schedule, int steps) {
    return new PndmScheduler(schedule, this, steps);
  }

  @Override
  public void writeTo(ObjectNode json) {
    json.put("skip_prk_steps", skipPrkSteps).put("set_alpha_to_one", setAlphaToOne);
  }
}
