package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import com.fasterxml.jackson.databind.node.ObjectNode;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.ConfigJson;

/**
 * The sampler of latent consistency models (Luo et al., 2023), as diffusers' {@code LCMScheduler}:
 * each step estimates the clean sample and adds as much fresh noise as the next one wants.
 */
public final class LcmScheduler extends TimestepScheduler {
  private static final double SIGMA_DATA = 0.5;

  private final Config method;

  /** Whether the timesteps are those of a strength already. */
  private final boolean within;

  /**
   * The configuration.
   *
   * @param steps the timesteps of distillation
   * @param timestepScaling how fast the boundary condition at timestep 0 fades
   * @param clipping of the estimates of the clean sample
   */
  record Config(ConsistencySteps steps, double timestepScaling, SampleClipping clipping)
      implements MethodConfig {

    static Config of(ConfigJson c) {
      return new Config(
          ConsistencySteps.of(c), c.number("timestep_scaling", 10), SampleClipping.ofOptional(c));
    }

    @Override
    public Scheduler scheduler(NoiseSchedule schedule, int number) {
      return new LcmScheduler(
          schedule, this, steps.timesteps(schedule.timesteps(), number, 1), false);
    }

    @Override
    public void writeTo(ObjectNode json) {
      steps.writeTo(json);
      json.put("timestep_scaling", timestepScaling);
      clipping.writeClippingTo(json);
      clipping.writeThresholdingTo(json);
    }
  }

  private LcmScheduler(NoiseSchedule schedule, Config method, int[] timesteps, boolean within) {
    super(schedule, timesteps);
    this.method = method;
    this.within = within;
  }

  @Override
  public LcmScheduler within(double strength) {
    int[] fewer = method.steps.timesteps(schedule.timesteps(), timesteps.length, strength);
    return new LcmScheduler(schedule, method, fewer, true);
  }

  @Override
  public int beginIndex(double strength) {
    return within ? 0 : super.beginIndex(strength);
  }

  @Override
  public boolean isStochastic(int index) {
    return index < timesteps.length - 1;
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    float alpha = schedule.alphaCumprod(timesteps[index]);
    OutputConversion conversion = schedule.config().predictionType().conversion(alpha);
    double scaled = timesteps[index] * method.timestepScaling;
    double square = scaled * scaled + SIGMA_DATA * SIGMA_DATA;
    try (Scope scope = Scope.open()) {
      Tensor clean = method.clipping.apply(conversion.clean(sample, output));
      Tensor y = mix(clean, scaled / Math.sqrt(square), sample, SIGMA_DATA * SIGMA_DATA / square);
      if (isStochastic(index)) {
        float next = schedule.alphaCumprod(timesteps[index + 1]);
        y = mix(y, Math.sqrt(next), noise, Math.sqrt(1f - next));
      }
      return scope.keep(y);
    }
  }
}
