package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * A short name by which users ask for a class of schedulers with certain settings, {@code euler-a}.
 * Names are compared without regard to case, spaces and punctuation, and {@code ++} is as good as
 * {@code pp}.
 *
 * @param name letters, digits, {@code +} and {@code -}
 * @param description what it is, in one line without a full stop
 * @param settings sets keys of the {@code scheduler_config.json} that it is made from
 * @param aliases names that other tools have for the same
 */
public record SchedulerName(
    String name, String description, Consumer<ObjectNode> settings, List<String> aliases) {

  /** Checks the name. */
  public SchedulerName {
    if (!name.matches("[A-Za-z0-9+-]+")) {
      throw new IllegalArgumentException(
          "scheduler: the name '" + name + "' must be of letters, digits, + and -");
    }
    aliases = List.copyOf(aliases);
  }

  /** A name for the class as it is. */
  public SchedulerName(String name, String description, String... aliases) {
    this(name, description, json -> {}, List.of(aliases));
  }

  /** A name for the class with settings. */
  public SchedulerName(
      String name, String description, Consumer<ObjectNode> settings, String... aliases) {
    this(name, description, settings, List.of(aliases));
  }

  /** What is left of a name for comparison. */
  static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replace("++", "pp").replaceAll("[^\\p{L}\\p{N}]", "");
  }

  /** Whether a name is this one, or one of its aliases. */
  boolean matches(String plain) {
    return plain(name).equals(plain)
        || aliases.stream().anyMatch(alias -> plain(alias).equals(plain));
  }

  /** The same with the noise levels of a spacing. */
  SchedulerName with(SigmaSpacing spacing) {
    return new SchedulerName(
        name + "-" + spacing.word(),
        description + ", with " + spacing.description(),
        settings.andThen(json -> spacing.choose(json)),
        List.of());
  }
}
