package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import com.fasterxml.jackson.databind.node.ObjectNode;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.ConfigJson;

/**
 * DPM-Solver++ for the stochastic equation, in two stages, as diffusers' {@code
 * DPMSolverSDEScheduler} (k-diffusion's {@code sample_dpmpp_sde}). Both stages of a step add noise
 * of one Brownian path, from the noise level where they start to where they lead. diffusers draws
 * that path from a seed of its own, another one in every run; here the noise of the stages makes it
 * up, which has the same distribution and follows the picture's seed.
 */
public final class DpmSdeScheduler extends TwoStageScheduler {
  private final SigmaTable table;

  /**
   * The configuration.
   *
   * @param sigmas the noise levels
   */
  record Config(SigmaConfig sigmas) implements MethodConfig {

    static Config of(ConfigJson c) {
      c.require("prediction_type", "epsilon", "v_prediction");
      c.require("noise_sampler_seed");
      return new Config(LmsConfig.ownRange(SigmaConfig.of(c, false)));
    }

    @Override
    public Scheduler scheduler(NoiseSchedule schedule, int steps) {
      return new DpmSdeScheduler(schedule, this, steps);
    }

    @Override
    public void writeTo(ObjectNode json) {
      sigmas.writeSpacingTo(json);
    }
  }

  DpmSdeScheduler(NoiseSchedule schedule, Config method, int steps) {
    super(SigmaPath.of(schedule, method.sigmas, steps, false));
    this.table = new SigmaTable(schedule);
  }

  @Override
  float sigma(int index) {
    float start = path.sigma(index / 2);
    return first(index) ? start : middle(start, path.sigma(index / 2 + 1));
  }

  /** The geometric mean, as the mean of logarithms. */
  private static float middle(float from, float to) {
    float start = (float) -Math.log(from);
    float distance = (float) -Math.log(to) - start;
    return (float) Math.exp(-(start + distance * 0.5f));
  }

  @Override
  public double timestep(int index) {
    return first(index) ? path.timestep(index / 2) : (float) table.timestep(sigma(index));
  }

  @Override
  public boolean isStochastic(int index) {
    return path.sigma(index / 2 + 1) > 0;
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    float from = path.sigma(index / 2);
    float end = path.sigma(index / 2 + 1);
    if (end == 0) {
      return path.advance(from, -from, sample, sample, output);
    }
    float middle = middle(from, end);
    try (Scope scope = Scope.open()) {
      Tensor clean = path.conversion(sigma(index)).clean(sample, output);
      if (first(index)) {
        history.note(noise);
        return scope.keep(advance(from, middle, sample, clean, noise));
      }
      // The path's increment to the middle, and what it goes on by, in units of its deviation.
      double whole = from - end;
      Tensor both =
          mix(
              history.noted(1),
              Math.sqrt((from - middle) / whole),
              noise,
              Math.sqrt((middle - end) / whole));
      return scope.keep(advance(from, end, history.sample(1), clean, both));
    }
  }

  private static Tensor advance(float from, float to, Tensor sample, Tensor clean, Tensor noise) {
    var way = EulerAncestralScheduler.Ancestral.between(from, to);
    float ratio = way.down() / from;
    return mix(mix(sample, ratio, clean, 1 - ratio), 1, noise, way.up());
  }
}
