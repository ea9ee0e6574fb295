package nacre.diffusion.schedule;

import static nacre.diffusion.Clip.clip;
import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * Denoising diffusion probabilistic models (Ho et al., 2020, equations 6 and 7), as diffusers'
 * {@code DDPMScheduler}.
 */
public final class DdpmScheduler implements Scheduler {
  private final NoiseSchedule schedule;
  private final int[] timesteps;

  /**
   * A scheduler of so many steps.
   *
   * @throws IllegalArgumentException if there are not so many timesteps
   */
  public DdpmScheduler(NoiseSchedule schedule, int steps) {
    SchedulerConfig config = schedule.config();
    this.schedule = schedule;
    this.timesteps =
        config.timestepSpacing().timesteps(config.numTrainTimesteps(), steps, config.stepsOffset());
  }

  @Override
  public String className() {
    return "DDPMScheduler";
  }

  @Override
  public NoiseSchedule schedule() {
    return schedule;
  }

  @Override
  public int[] timesteps() {
    return timesteps.clone();
  }

  @Override
  public boolean wantsNoise(int index) {
    return timesteps[index] > 0;
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise) {
    SchedulerConfig config = schedule.config();
    float alpha = schedule.alphaCumprod(timesteps[index]);
    float next = index == timesteps.length - 1 ? 1 : schedule.alphaCumprod(timesteps[index + 1]);
    // In f32, as diffusers: differences of numbers near 1 depend on it.
    float stepAlpha = alpha / next;
    float stepBeta = 1f - stepAlpha;
    double ofClean = Math.sqrt(next) * stepBeta / (1f - alpha);
    double ofSample = Math.sqrt(stepAlpha) * (1f - next) / (1f - alpha);
    double range = config.clipSampleRange();
    Estimate estimate = config.predictionType().estimate(alpha);
    try (Scope scope = Scope.open()) {
      Tensor y;
      if (config.clipSample()) {
        Tensor clean = clip(estimate.clean(sample, output), -range, range);
        y = mix(clean, ofClean, sample, ofSample);
      } else {
        y =
            mix(
                sample,
                ofSample + ofClean * estimate.cleanOfSample(),
                output,
                ofClean * estimate.cleanOfOutput());
      }
      if (wantsNoise(index)) {
        y = mix(y, 1, noise, deviation(alpha, next, stepBeta));
      }
      return scope.hand(y);
    }
  }

  private double deviation(float alpha, float next, float stepBeta) {
    double posterior = Math.max((1f - next) / (1f - alpha) * stepBeta, 1e-20);
    return switch (schedule.config().varianceType()) {
      case FIXED_SMALL, FIXED_SMALL_LOG -> Math.sqrt(posterior);
      case FIXED_LARGE -> Math.sqrt(stepBeta);
    };
  }
}
