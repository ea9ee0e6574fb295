package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import nacre.weights.ConfigJson;

/**
 * A class of schedulers: one row in the table of {@link Schedulers}.
 *
 * @param className its name in a {@code scheduler_config.json}, {@code DDIMScheduler}
 * @param defaults what a config that lacks the shared keys has
 * @param keys its keys of a {@code scheduler_config.json} that not every class has
 * @param reader reads the keys
 * @param names the names by which users select it
 */
public record SchedulerKind(
    String className,
    ScheduleDefaults defaults,
    Set<String> keys,
    Function<ConfigJson, MethodConfig> reader,
    List<SchedulerName> names) {

  /** Copies the collections. */
  public SchedulerKind {
    keys = Set.copyOf(keys);
    names = List.copyOf(names);
  }

  /**
   * A class without keys of its own.
   *
   * @param factory makes its schedulers from the model's noise schedule
   */
  public static SchedulerKind of(
      String className, SchedulerFactory factory, SchedulerName... names) {
    MethodConfig method = new Plain(factory);
    return new SchedulerKind(
        className, ScheduleDefaults.LEADING, Set.of(), _ -> method, List.of(names));
  }

  /** Its names, and each of them with the spacings of noise levels that the class has. */
  List<SchedulerChoice> choices() {
    List<SchedulerChoice> choices = new ArrayList<>();
    for (SchedulerName name : names) {
      choices.add(new SchedulerChoice(this, name));
      for (SigmaSpacing spacing : SigmaSpacing.NAMED) {
        if (keys.contains(spacing.key())) {
          choices.add(new SchedulerChoice(this, name.with(spacing)));
        }
      }
    }
    return choices;
  }

  private record Plain(SchedulerFactory factory) implements MethodConfig {
    @Override
    public Scheduler scheduler(NoiseSchedule schedule, int steps) {
      return factory.create(schedule, steps);
    }

    @Override
    public void writeTo(ObjectNode json) {
      // No keys.
    }
  }

  /** The name of the class. */
  @Override
  public String toString() {
    return className;
  }
}
