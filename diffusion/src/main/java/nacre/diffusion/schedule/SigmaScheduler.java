package nacre.diffusion.schedule;

import nacre.tensor.Tensor;

/** What samplers along a {@link SigmaPath} have in common: everything but their steps. */
abstract class SigmaScheduler implements Scheduler {
  final SigmaPath path;

  SigmaScheduler(SigmaPath path) {
    this.path = path;
  }

  /** The noise level at which a step runs the model. */
  float sigma(int index) {
    return path.sigma(index);
  }

  @Override
  public NoiseSchedule schedule() {
    return path.schedule();
  }

  @Override
  public int steps() {
    return path.length();
  }

  @Override
  public double timestep(int index) {
    return path.timestep(index);
  }

  @Override
  public double initNoiseSigma() {
    return path.initNoiseSigma();
  }

  @Override
  public Tensor scaleModelInput(int index, Tensor sample) {
    return SigmaPath.modelInput(sigma(index), sample);
  }

  @Override
  public Tensor addNoise(int index, Tensor clean, Tensor noise) {
    return SigmaPath.addNoise(path.sigma(index), clean, noise);
  }

  @Override
  public boolean isStochastic(int index) {
    return false;
  }
}
