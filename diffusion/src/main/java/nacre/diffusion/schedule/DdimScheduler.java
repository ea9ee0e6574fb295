package nacre.diffusion.schedule;

import static nacre.diffusion.Clip.clip;
import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * Denoising diffusion implicit models (Song et al., 2021, equation 12), as diffusers' {@code
 * DDIMScheduler}: deterministic unless noise is asked for.
 */
public final class DdimScheduler implements Scheduler {
  private final NoiseSchedule schedule;
  private final int[] timesteps;
  private final double eta;

  /** Without noise. */
  public DdimScheduler(NoiseSchedule schedule, int steps) {
    this(schedule, steps, 0);
  }

  /**
   * With noise.
   *
   * @param eta standard deviation of the noise added, in units of DDPM's
   * @throws IllegalArgumentException if there are not so many timesteps
   */
  public DdimScheduler(NoiseSchedule schedule, int steps, double eta) {
    SchedulerConfig config = schedule.config();
    this.schedule = schedule;
    this.timesteps =
        config.timestepSpacing().timesteps(config.numTrainTimesteps(), steps, config.stepsOffset());
    this.eta = eta;
  }

  @Override
  public String className() {
    return "DDIMScheduler";
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
    return eta > 0;
  }

  /** ᾱ of the timestep that a step ends at. */
  private float next(int index) {
    SchedulerConfig config = schedule.config();
    // As diffusers: by a stride, whatever the next of the timesteps is.
    int next = timesteps[index] - config.numTrainTimesteps() / timesteps.length;
    if (next >= 0) {
      return schedule.alphaCumprod(next);
    }
    return config.setAlphaToOne() ? 1 : schedule.alphaCumprod(0);
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise) {
    SchedulerConfig config = schedule.config();
    float alpha = schedule.alphaCumprod(timesteps[index]);
    float next = next(index);
    double variance = (1f - next) / (1f - alpha) * (1f - alpha / next);
    double deviation = eta * Math.sqrt(variance);
    double ofClean = Math.sqrt(next);
    double ofNoise = Math.sqrt(1f - next - deviation * deviation);
    double range = config.clipSampleRange();
    Estimate estimate = config.predictionType().estimate(alpha);
    try (Scope scope = Scope.open()) {
      Tensor y;
      if (config.clipSample()) {
        Tensor clean = clip(estimate.clean(sample, output), -range, range);
        y = mix(clean, ofClean, estimate.noise(sample, output), ofNoise);
      } else {
        y = estimate.combine(ofClean, ofNoise, sample, output);
      }
      return scope.hand(eta > 0 ? mix(y, 1, noise, deviation) : y);
    }
  }
}
