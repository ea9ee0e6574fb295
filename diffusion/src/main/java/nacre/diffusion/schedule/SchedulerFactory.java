package nacre.diffusion.schedule;

/** Makes schedulers of one class, {@code MyScheduler::new}. */
@FunctionalInterface
public interface SchedulerFactory {

  /**
   * A scheduler.
   *
   * @param schedule the noise schedule that the model was trained on
   * @param steps number of steps
   * @throws IllegalArgumentException if there are not so many timesteps
   */
  Scheduler create(NoiseSchedule schedule, int steps);
}
