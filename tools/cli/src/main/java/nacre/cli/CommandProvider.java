package nacre.cli;

import java.util.List;

/**
 * A provider of commands beside Nacre's own, found by {@link java.util.ServiceLoader}: name it in
 * {@code META-INF/services/nacre.cli.CommandProvider}.
 */
public interface CommandProvider {
  /** The commands, each an object with picocli's {@code @Command}; {@code nacre NAME} runs one. */
  List<Object> commands();
}
