package nacre.cli;

import java.util.List;

/**
 * Commands of a library beside Nacre's own, found by {@link java.util.ServiceLoader}: whoever has
 * some names the provider in {@code META-INF/services/nacre.cli.CommandProvider}.
 */
public interface CommandProvider {
  /** Commands, each an object with picocli's {@code @Command}; {@code nacre NAME} runs one. */
  List<Object> commands();
}
