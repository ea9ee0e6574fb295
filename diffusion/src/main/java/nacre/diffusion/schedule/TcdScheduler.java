package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import com.fasterxml.jackson.databind.node.ObjectNode;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.ConfigJson;

/**
 * Trajectory consistency distillation (Zheng et al., 2024, strategic stochastic sampling), as
 * diffusers' {@code TCDScheduler}: deterministic unless eta is above 0, as diffusers' pipelines use
 * it. With eta, a step goes further and comes back by fresh noise.
 */
public final class TcdScheduler extends TimestepScheduler {
  private final double eta;

  /**
   * The configuration.
   *
   * @param steps the timesteps of distillation
   */
  record Config(ConsistencySteps steps) implements MethodConfig {

    static Config of(ConfigJson c) {
      return new Config(ConsistencySteps.of(c));
    }

    @Override
    public Scheduler scheduler(NoiseSchedule schedule, int number) {
      return new TcdScheduler(schedule, steps.timesteps(schedule.timesteps(), number, 1), 0);
    }

    @Override
    public void writeTo(ObjectNode json) {
      steps.writeTo(json);
    }
  }

  private TcdScheduler(NoiseSchedule schedule, int[] timesteps, double eta) {
    super(schedule, timesteps);
    this.eta = eta;
  }

  @Override
  public TcdScheduler withEta(double value) {
    if (!(value >= 0 && value <= 1)) {
      throw new IllegalArgumentException("scheduler: eta is " + value + ", 0 to 1 is wanted");
    }
    return new TcdScheduler(schedule, timesteps, value);
  }

  @Override
  public boolean isStochastic(int index) {
    return eta > 0 && index < timesteps.length - 1;
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    int next = index < timesteps.length - 1 ? timesteps[index + 1] : 0;
    float alpha = schedule.alphaCumprod(timesteps[index]);
    float alphaNext = schedule.alphaCumprod(next);
    float alphaFurther = schedule.alphaCumprod((int) Math.floor((float) (1 - eta) * next));
    OutputConversion conversion = schedule.config().predictionType().conversion(alpha);
    try (Scope scope = Scope.open()) {
      Tensor y =
          conversion.combine(Math.sqrt(alphaFurther), Math.sqrt(1f - alphaFurther), sample, output);
      if (isStochastic(index)) {
        float back = alphaNext / alphaFurther;
        y = mix(y, Math.sqrt(back), noise, Math.sqrt(1f - back));
      }
      return scope.keep(y);
    }
  }
}
