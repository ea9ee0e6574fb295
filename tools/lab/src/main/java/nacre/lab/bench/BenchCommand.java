package nacre.lab.bench;

import nacre.cli.options.MissingCommandException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code nacre bench}: benchmarks of the engine beside its peers. */
@Command(
    name = "bench",
    description = "Time the engine, beside PyTorch where there is one.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      DataBench.class,
      EditBench.class,
      LaunchesBench.class,
      MetricsBench.class,
      ModelsBench.class,
      OptimizerBench.class,
      ThreadsBench.class,
      TrainStepBench.class
    })
public final class BenchCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new MissingCommandException(spec);
  }
}
