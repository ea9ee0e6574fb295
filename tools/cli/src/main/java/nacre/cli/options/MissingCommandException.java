package nacre.cli.options;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** The error of a command that only holds others, given without one; its help is printed. */
public final class MissingCommandException extends ParameterException {
  private static final long serialVersionUID = 1L;

  /**
   * The error of a command.
   *
   * @param spec of the command that holds the others
   */
  public MissingCommandException(CommandSpec spec) {
    super(spec.commandLine(), "which command?");
  }
}
