package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.JsonNode;
import nacre.tensor.Tensor;

/**
 * The way from pure noise to a sample in a fixed number of steps. What depends on timesteps alone
 * is worked out when the scheduler is made; a step is tensor work only.
 */
public sealed interface Scheduler permits DdimScheduler, DdpmScheduler {

  /**
   * The scheduler of a {@code scheduler_config.json}, by its {@code _class_name}.
   *
   * @param steps number of steps
   * @throws IllegalArgumentException if the class is not known or a value is wrong
   */
  static Scheduler of(JsonNode config, int steps) {
    String name = config.path("_class_name").asText("");
    NoiseSchedule schedule = new NoiseSchedule(SchedulerConfig.of(config));
    return switch (name) {
      case "DDIMScheduler" -> new DdimScheduler(schedule, steps);
      case "DDPMScheduler" -> new DdpmScheduler(schedule, steps);
      default ->
          throw new IllegalArgumentException(
              "scheduler: class '"
                  + name
                  + "' is not known; known are DDIMScheduler, DDPMScheduler");
    };
  }

  /** The name of the class in diffusers. */
  String className();

  /** The noise schedule of training. */
  NoiseSchedule schedule();

  /** The timesteps at which the model is asked, first step first. */
  int[] timesteps();

  /** Whether step {@code index} adds noise. */
  boolean wantsNoise(int index);

  /**
   * One step: the sample at the next timestep, {@code [N, ..]} as all operands.
   *
   * @param index number of the step, from 0
   * @param output what the model predicted for {@code sample} at {@code timesteps()[index]}
   * @param noise standard normal; not used, and may be null, where {@link #wantsNoise} is false
   */
  Tensor step(int index, Tensor output, Tensor sample, Tensor noise);
}
