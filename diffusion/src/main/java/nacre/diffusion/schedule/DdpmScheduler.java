package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * Denoising diffusion probabilistic models (Ho et al., 2020, equations 6 and 7), as diffusers'
 * {@code DDPMScheduler}.
 */
public final class DdpmScheduler extends TimestepScheduler {
  private final DdpmConfig method;

  DdpmScheduler(NoiseSchedule schedule, DdpmConfig method, int steps) {
    super(schedule, schedule.config().timesteps(steps));
    this.method = method;
  }

  @Override
  public boolean isStochastic(int index) {
    return timesteps[index] > 0;
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    float alpha = schedule.alphaCumprod(timesteps[index]);
    float next = index == timesteps.length - 1 ? 1 : schedule.alphaCumprod(timesteps[index + 1]);
    // In f32, as diffusers: differences of numbers near 1 depend on it.
    float stepAlpha = alpha / next;
    float stepBeta = 1f - stepAlpha;
    double ofClean = Math.sqrt(next) * stepBeta / (1f - alpha);
    double ofSample = Math.sqrt(stepAlpha) * (1f - next) / (1f - alpha);
    OutputConversion conversion = schedule.config().predictionType().conversion(alpha);
    try (Scope scope = Scope.open()) {
      Tensor y;
      if (method.clipping().none()) {
        y =
            mix(
                sample,
                ofSample + ofClean * conversion.cleanOfSample(),
                output,
                ofClean * conversion.cleanOfOutput());
      } else {
        Tensor clean = method.clipping().apply(conversion.clean(sample, output));
        y = mix(clean, ofClean, sample, ofSample);
      }
      if (isStochastic(index)) {
        y = mix(y, 1, noise, deviation(alpha, next, stepBeta));
      }
      return scope.keep(y);
    }
  }

  private double deviation(float alpha, float next, float stepBeta) {
    double posterior = Math.max((1f - next) / (1f - alpha) * stepBeta, 1e-20);
    return switch (method.varianceType()) {
      case FIXED_SMALL, FIXED_SMALL_LOG -> Math.sqrt(posterior);
      case FIXED_LARGE -> Math.sqrt(stepBeta);
    };
  }
}
