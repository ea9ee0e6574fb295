package nacre.cli.weights;

import nacre.cli.options.MissingCommandException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code nacre weights inspect} and {@code nacre weights convert}. */
@Command(
    name = "weights",
    description = "Inspect and convert weight files.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {InspectCommand.class, ConvertCommand.class})
public final class WeightsCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new MissingCommandException(spec);
  }
}
