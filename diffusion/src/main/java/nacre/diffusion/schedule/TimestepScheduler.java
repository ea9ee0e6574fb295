package nacre.diffusion.schedule;

/** What schedulers along whole timesteps of training have in common: everything but their steps. */
abstract class TimestepScheduler implements Scheduler {
  final NoiseSchedule schedule;
  final int[] timesteps;

  TimestepScheduler(NoiseSchedule schedule, int[] timesteps) {
    this.schedule = schedule;
    this.timesteps = timesteps;
  }

  @Override
  public NoiseSchedule schedule() {
    return schedule;
  }

  @Override
  public int steps() {
    return timesteps.length;
  }

  @Override
  public double timestep(int index) {
    return timesteps[index];
  }
}
