package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * The inversion of DDIM, as diffusers' {@code DDIMInverseScheduler}: its steps lead from a clean
 * sample to the noise from which {@link DdimScheduler} draws that sample (Song et al., 2021,
 * section 4.3). The result is approximate, since each step takes the model's prediction for the
 * timestep that it leads to at the sample that it comes from; it is the better the more steps there
 * are and the less guidance there is.
 */
public final class DdimInverseScheduler extends TimestepScheduler {
  private final DdimConfig method;

  private DdimInverseScheduler(NoiseSchedule schedule, DdimConfig method, int[] timesteps) {
    super(schedule, timesteps);
    this.method = method;
  }

  /**
   * The inversion of the DDIM of a configuration.
   *
   * @param steps number of steps
   * @throws IllegalArgumentException if there are not so many timesteps, or the configuration is of
   *     another scheduler
   */
  public static DdimInverseScheduler of(SchedulerConfig config, int steps) {
    if (!(config.method() instanceof DdimConfig method)) {
      throw new IllegalArgumentException(
          "scheduler: " + config.kind() + " is not inverted; DDIMScheduler is");
    }
    int[] timesteps = config.timesteps(steps);
    for (int i = 0; i < steps / 2; i++) {
      int first = timesteps[i];
      timesteps[i] = timesteps[steps - 1 - i];
      timesteps[steps - 1 - i] = first;
    }
    return new DdimInverseScheduler(new NoiseSchedule(config), method, timesteps);
  }

  @Override
  public boolean isStochastic(int index) {
    return false;
  }

  /**
   * ᾱ of the sample before a step. A model of clean samples tells nothing of the noise in one that
   * has none: there it is taken as though the sample had the noise of the model's timestep, where
   * diffusers divides by zero.
   */
  private float before(int index) {
    int timestep = timesteps[index] - schedule.timesteps() / timesteps.length;
    float alpha = schedule.alphaCumprod(timestep, method.setAlphaToOne());
    boolean undefined = alpha == 1 && schedule.config().predictionType() == PredictionType.SAMPLE;
    return undefined ? schedule.alphaCumprod(timesteps[index]) : alpha;
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    float next = schedule.alphaCumprod(timesteps[index]);
    double ofClean = Math.sqrt(next);
    double ofNoise = Math.sqrt(1f - next);
    OutputConversion conversion = schedule.config().predictionType().conversion(before(index));
    try (Scope scope = Scope.open()) {
      if (method.clipping().none()) {
        return scope.keep(conversion.combine(ofClean, ofNoise, sample, output));
      }
      Tensor clean = method.clipping().apply(conversion.clean(sample, output));
      return scope.keep(mix(clean, ofClean, conversion.noise(sample, output), ofNoise));
    }
  }
}
