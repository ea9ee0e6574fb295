package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * Heun's method along the noise levels σ (Karras et al., 2022, algorithm 1), as diffusers' {@code
 * HeunDiscreteScheduler}: Euler's step, then the same step again with the mean of the slopes at
 * both of its ends, which runs the model twice a step but for the last.
 */
public final class HeunScheduler implements Scheduler {
  private final SigmaPath path;
  private final HeunConfig method;

  HeunScheduler(NoiseSchedule schedule, HeunConfig method, int steps) {
    this.method = method;
    this.path = SigmaPath.of(schedule, method.sigmas(), steps, false);
  }

  /** The noise level at which a step runs the model: 0, 1, 1, 2, 2, and so on. */
  private static int level(int index) {
    return (index + 1) / 2;
  }

  @Override
  public NoiseSchedule schedule() {
    return path.schedule();
  }

  @Override
  public int steps() {
    return TwoStage.steps(path.length());
  }

  @Override
  public int requestedSteps() {
    return path.length();
  }

  @Override
  public int beginIndex(double strength) {
    return 2 * Scheduler.super.beginIndex(strength);
  }

  @Override
  public double timestep(int index) {
    return path.timestep(level(index));
  }

  @Override
  public double initNoiseSigma() {
    return path.initNoiseSigma();
  }

  @Override
  public Tensor scaleModelInput(int index, Tensor sample) {
    return SigmaPath.modelInput(path.sigma(level(index)), sample);
  }

  @Override
  public Tensor addNoise(int index, Tensor clean, Tensor noise) {
    return SigmaPath.addNoise(path.sigma(level(index)), clean, noise);
  }

  @Override
  public boolean isStochastic(int index) {
    return false;
  }

  @Override
  public History start(int index) {
    return TwoStage.start(index);
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    int from = index / 2;
    double change = (double) path.sigma(from + 1) - path.sigma(from);
    try (Scope scope = Scope.open()) {
      Tensor slope = slope(level(index), sample, output);
      if (index % 2 == 0) {
        return scope.keep(mix(sample, 1, slope, change));
      }
      Tensor start = history.sample(1);
      Tensor first = slope(from, start, history.output(1));
      return scope.keep(mix(start, 1, mix(first, 0.5, slope, 0.5), change));
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
