package nacre.cli;

import nacre.cli.options.Accepts;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say how a run reads its data set. */
final class Reading {
  @Mixin private Skipping skipping;

  @Option(
      names = "--readers",
      paramLabel = "N",
      defaultValue = "2",
      description =
          "Threads that read and decode the frames of --data while steps are computed; 2 unless"
              + " given. The pairs are the same whatever their number.")
  @Accepts(from = 1, to = 256)
  private int readers;

  /** What a command does that has none of these options. */
  static Reading byDefault() {
    Reading reading = new Reading();
    reading.skipping = new Skipping();
    reading.readers = 2;
    return reading;
  }

  /** What becomes of clips that cannot be read. */
  Skipping skipping() {
    return skipping;
  }

  /** The number of threads. */
  int readers() {
    return readers;
  }
}
