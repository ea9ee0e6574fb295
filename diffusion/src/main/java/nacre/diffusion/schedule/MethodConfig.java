package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** The keys of a {@code scheduler_config.json} that one class of schedulers has, as a record. */
public interface MethodConfig {

  /**
   * The scheduler of this configuration.
   *
   * @param steps number of steps
   * @throws IllegalArgumentException if there are not so many timesteps
   */
  Scheduler scheduler(NoiseSchedule schedule, int steps);

  /** Writes the keys. */
  void writeTo(ObjectNode json);
}
