package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * Denoising diffusion implicit models (Song et al., 2021, equation 12), as diffusers' {@code
 * DDIMScheduler}: deterministic unless eta is above 0.
 */
public final class DdimScheduler extends TimestepScheduler {
  private final DdimConfig method;
  private final double eta;

  private DdimScheduler(NoiseSchedule schedule, DdimConfig method, int[] timesteps, double eta) {
    super(schedule, timesteps);
    this.method = method;
    this.eta = eta;
  }

  /** Without noise. */
  DdimScheduler(NoiseSchedule schedule, DdimConfig method, int steps) {
    this(schedule, method, schedule.config().timesteps(steps), 0);
  }

  /**
   * DDIM with noise.
   *
   * @param eta standard deviation of the noise added, in units of DDPM's; 0 to 1
   */
  @Override
  public DdimScheduler withEta(double eta) {
    if (!(eta >= 0 && eta <= 1)) {
      throw new IllegalArgumentException("scheduler: eta is " + eta + ", 0 to 1 is wanted");
    }
    return new DdimScheduler(schedule, method, timesteps, eta);
  }

  @Override
  public boolean isStochastic(int index) {
    return eta > 0;
  }

  /** ᾱ of the timestep at which a step ends. */
  private float next(int index) {
    // As diffusers: by a stride, whatever the next of the timesteps is.
    int next = timesteps[index] - schedule.timesteps() / timesteps.length;
    return schedule.alphaCumprod(next, method.setAlphaToOne());
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    float alpha = schedule.alphaCumprod(timesteps[index]);
    float next = next(index);
    double variance = (1f - next) / (1f - alpha) * (1f - alpha / next);
    double deviation = eta * Math.sqrt(variance);
    double ofClean = Math.sqrt(next);
    double ofNoise = Math.sqrt(1f - next - deviation * deviation);
    OutputConversion conversion = schedule.config().predictionType().conversion(alpha);
    try (Scope scope = Scope.open()) {
      Tensor y;
      if (method.clipping().none()) {
        y = conversion.combine(ofClean, ofNoise, sample, output);
      } else {
        Tensor clean = method.clipping().apply(conversion.clean(sample, output));
        y = mix(clean, ofClean, conversion.noise(sample, output), ofNoise);
      }
      return scope.keep(eta > 0 ? mix(y, 1, noise, deviation) : y);
    }
  }
}
