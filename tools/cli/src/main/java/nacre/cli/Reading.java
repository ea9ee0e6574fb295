package nacre.cli;

import java.io.PrintStream;
import nacre.cli.options.Accepts;
import nacre.neuralassets.data.BadData;
import picocli.CommandLine.Option;

/** The options that say how a data set is read. */
final class Reading {
  @Option(
      names = "--skip-bad",
      description =
          "Leave out clips of --data that cannot be read, and tell of each; otherwise the first"
              + " ends the command.")
  private boolean skipBad;

  @Option(
      names = "--readers",
      paramLabel = "N",
      defaultValue = "2",
      description =
          "Threads that read and decode the frames of --data while steps are computed; 2 unless"
              + " given. The pairs are the same whatever their number.")
  @Accepts(from = 1, to = 256)
  private int readers;

  /** What becomes of clips that cannot be read. */
  BadData bad(PrintStream out) {
    return skipBad ? BadData.skipped(line -> out.println("skipped " + line)) : BadData.refused();
  }

  /** The number of threads. */
  int readers() {
    return readers;
  }

  /** Whether clips that cannot be read are left out. */
  boolean skipsBad() {
    return skipBad;
  }
}
