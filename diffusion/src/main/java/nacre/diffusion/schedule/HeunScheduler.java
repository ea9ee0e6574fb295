package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * Heun's method along the noise levels σ (Karras et al., 2022, algorithm 1), as diffusers' {@code
 * HeunDiscreteScheduler}: Euler's step, then the same step again with the mean of the slopes at
 * both of its ends, which runs the model twice a step but for the last.
 */
public final class HeunScheduler extends TwoStageScheduler {
  private final HeunConfig method;

  HeunScheduler(NoiseSchedule schedule, HeunConfig method, int steps) {
    super(SigmaPath.of(schedule, method.sigmas(), steps, false));
    this.method = method;
  }

  /** The noise level at which a step runs the model: 0, 1, 1, 2, 2, and so on. */
  private static int level(int index) {
    return (index + 1) / 2;
  }

  @Override
  float sigma(int index) {
    return path.sigma(level(index));
  }

  @Override
  public double timestep(int index) {
    return path.timestep(level(index));
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    int from = index / 2;
    double change = (double) path.sigma(from + 1) - path.sigma(from);
    try (Scope scope = Scope.open()) {
      Tensor slope = slope(level(index), sample, output);
      if (first(index)) {
        return scope.keep(mix(sample, 1, slope, change));
      }
      Tensor start = history.sample(1);
      Tensor slopeAtStart = slope(from, start, history.output(1));
      return scope.keep(mix(start, 1, mix(slopeAtStart, 0.5, slope, 0.5), change));
    }
  }

  /** (sample − clean) / σ. */
  private Tensor slope(int level, Tensor sample, Tensor output) {
    double sigma = path.sigma(level);
    OutputConversion conversion = path.conversion(sigma);
    if (method.clipping().none()) {
      return conversion.noise(sample, output);
    }
    Tensor clean = method.clipping().apply(conversion.clean(sample, output));
    return mix(sample, 1 / sigma, clean, -1 / sigma);
  }
}
