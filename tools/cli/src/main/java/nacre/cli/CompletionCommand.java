package nacre.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code nacre completion}: a script by which bash and zsh complete commands and options. */
@Command(
    name = "completion",
    description = {
      "Print a script by which bash and zsh complete commands, options and files.",
      "",
      "For this shell, or in ~/.bashrc or ~/.zshrc for every one:",
      "  eval \"$(./nacre completion)\""
    },
    mixinStandardHelpOptions = true)
final class CompletionCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    CommandSpec root = spec.root();
    var out = spec.commandLine().getOut();
    out.print(AutoComplete.bash(root.name(), root.commandLine()));
    out.flush();
  }
}
