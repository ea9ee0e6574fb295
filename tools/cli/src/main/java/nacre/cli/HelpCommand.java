package nacre.cli;

import java.util.List;
import nacre.cli.options.UsageException;
import nacre.weights.NearName;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code nacre help [COMMAND …]}: what {@code nacre COMMAND --help} prints. */
@Command(
    name = "help",
    description = "List the commands, or the options of one.",
    mixinStandardHelpOptions = true)
final class HelpCommand implements Runnable, ManyProcesses {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..*",
      paramLabel = "COMMAND",
      description = "A command, and one of its own: help data render.")
  private List<String> words = List.of();

  @Override
  public void run() {
    CommandLine command = spec.root().commandLine();
    for (String word : words) {
      CommandLine next = command.getSubcommands().get(word);
      if (next == null) {
        String near = NearName.hint(word, command.getSubcommands().keySet());
        throw new UsageException("there is no command '" + word + "'" + near);
      }
      command = next;
    }
    var out = spec.commandLine().getOut();
    command.usage(out);
    out.flush();
  }
}
