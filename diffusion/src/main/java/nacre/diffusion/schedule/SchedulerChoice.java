package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * A replacement for a model's own scheduler. It keeps the model's noise schedule, and whatever else
 * of its config applies to it.
 *
 * @param kind its class
 * @param name its name, with its settings
 */
public record SchedulerChoice(SchedulerKind kind, SchedulerName name) {

  /** A custom class without a name. */
  public static SchedulerChoice of(SchedulerFactory factory) {
    SchedulerName name = new SchedulerName("custom", "The caller's own");
    return new SchedulerChoice(SchedulerKind.of("custom", factory), name);
  }

  /**
   * The configuration that a model's {@code scheduler_config.json}, of whatever class, has for it.
   *
   * @throws IllegalArgumentException naming the key, if a value is wrong or its feature not built
   */
  public SchedulerConfig configure(JsonNode json) {
    ObjectNode changed = json.deepCopy();
    name.settings().accept(changed);
    return SchedulerConfig.of(changed, kind);
  }

  /** The name that users call it by. */
  @Override
  public String toString() {
    return name.name();
  }
}
