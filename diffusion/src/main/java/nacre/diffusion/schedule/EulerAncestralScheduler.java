package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.OptionalDouble;
import java.util.Set;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.ConfigJson;

/**
 * Euler's steps that go below the next noise level and add fresh noise up to it, as diffusers'
 * {@code EulerAncestralDiscreteScheduler} (k-diffusion's {@code sample_euler_ancestral}).
 */
public final class EulerAncestralScheduler extends SigmaScheduler {
  private static final SigmaConfig LEVELS =
      new SigmaConfig(
          SigmaSpacing.TIMESTEPS, false, OptionalDouble.empty(), OptionalDouble.empty());

  /** The configuration, which has no keys of its own. */
  record Config() implements MethodConfig {
    static final Set<String> KEYS = Set.of("rescale_betas_zero_snr");

    static Config of(ConfigJson c) {
      c.require("prediction_type", "epsilon", "v_prediction");
      return new Config();
    }

    @Override
    public Scheduler scheduler(NoiseSchedule schedule, int steps) {
      return new EulerAncestralScheduler(schedule, steps);
    }

    @Override
    public void writeTo(ObjectNode json) {
      // No keys.
    }
  }

  /**
   * A step down with noise up again (Karras et al., 2022, in the special case of k-diffusion), in
   * f32 as diffusers.
   *
   * @param down the noise level to step to
   * @param up standard deviation of the noise to add there
   */
  record Ancestral(float down, float up) {
    static Ancestral between(float from, float to) {
      float square = to * to * (from * from - to * to) / (from * from);
      // Rounding must not take it past the level itself, as it does in diffusers, to no number.
      float up = Math.min(to, (float) Math.sqrt(square));
      return new Ancestral((float) Math.sqrt(to * to - up * up), up);
    }
  }

  EulerAncestralScheduler(NoiseSchedule schedule, int steps) {
    super(SigmaPath.of(schedule, LEVELS, steps, false));
  }

  @Override
  public boolean isStochastic(int index) {
    return path.sigma(index + 1) > 0;
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    double sigma = path.sigma(index);
    Ancestral way = Ancestral.between(path.sigma(index), path.sigma(index + 1));
    try (Scope scope = Scope.open()) {
      Tensor y = path.advance(sigma, way.down - sigma, sample, sample, output);
      return scope.keep(isStochastic(index) ? mix(y, 1, noise, way.up) : y);
    }
  }
}
