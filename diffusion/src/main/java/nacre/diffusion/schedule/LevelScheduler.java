package nacre.diffusion.schedule;

import nacre.tensor.Tensor;

/** What solvers along a {@link LevelPath} have in common: everything but their steps. */
abstract class LevelScheduler implements Scheduler {
  final LevelPath path;

  LevelScheduler(LevelPath path) {
    this.path = path;
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
  public int requestedSteps() {
    return path.requestedSteps();
  }

  @Override
  public double timestep(int index) {
    return path.timestep(index);
  }

  @Override
  public Tensor addNoise(int index, Tensor clean, Tensor noise) {
    return path.addNoise(index, clean, noise);
  }

  @Override
  public boolean isStochastic(int index) {
    return false;
  }
}
