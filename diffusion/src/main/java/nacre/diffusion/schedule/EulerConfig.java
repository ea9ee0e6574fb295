package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;
import nacre.weights.ConfigJson;

/**
 * The configuration keys of {@link EulerScheduler}.
 *
 * @param sigmas the noise levels
 * @param logLinear whether these, where they follow the timesteps, are even in their logarithms
 *     ({@code interpolation_type})
 * @param continuous whether models that predict velocities get a quarter of σ's logarithm instead
 *     of the timestep ({@code timestep_type})
 */
public record EulerConfig(SigmaConfig sigmas, boolean logLinear, boolean continuous)
    implements MethodConfig {
  static final Set<String> KEYS =
      Set.of(
          "interpolation_type",
          "timestep_type",
          "use_karras_sigmas",
          "use_exponential_sigmas",
          "use_beta_sigmas",
          "final_sigmas_type",
          "sigma_min",
          "sigma_max",
          "rescale_betas_zero_snr");

  static EulerConfig of(ConfigJson c) {
    c.require("interpolation_type", "linear", "log_linear");
    c.require("timestep_type", "discrete", "continuous");
    return new EulerConfig(
        SigmaConfig.of(c, KEYS),
        c.text("interpolation_type", "linear").equals("log_linear"),
        c.text("timestep_type", "discrete").equals("continuous"));
  }

  @Override
  public Scheduler scheduler(NoiseSchedule schedule, int steps) {
    return new EulerScheduler(schedule, this, steps);
  }

  @Override
  public void writeTo(ObjectNode json) {
    sigmas.writeTo(json);
    json.put("interpolation_type", logLinear ? "log_linear" : "linear")
        .put("timestep_type", continuous ? "continuous" : "discrete");
  }
}
