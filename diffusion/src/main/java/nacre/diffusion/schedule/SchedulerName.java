package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.function.Consumer;

/**
 * A short name by which users ask for a class of schedulers with certain settings, {@code
 * euler-karras}.
 *
 * @param name letters, digits, {@code +} and {@code -}
 * @param description what it is, in one line without a full stop
 * @param settings sets keys of the {@code scheduler_config.json} that it is made from
 */
public record SchedulerName(String name, String description, Consumer<ObjectNode> settings) {

  /** Checks the name. */
  public SchedulerName {
    if (!name.matches("[A-Za-z0-9+-]+")) {
      throw new IllegalArgumentException(
          "scheduler: the name '" + name + "' must be of letters, digits, + and -");
    }
  }

  /** A name for the class as it is. */
  public SchedulerName(String name, String description) {
    this(name, description, json -> {});
  }
}
