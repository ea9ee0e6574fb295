package nacre.cli;

import nacre.cli.options.MissingCommandException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code nacre data}, the commands on data sets. */
@Command(
    name = "data",
    description = "Make scene folders, look at data sets, and pack them.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      DataRender.class,
      DataInspect.class,
      DataIndex.class,
      DataStats.class,
      DataEdits.class,
      DataPack.class
    })
final class DataCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new MissingCommandException(spec);
  }
}
