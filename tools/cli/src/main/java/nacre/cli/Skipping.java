package nacre.cli;

import java.util.function.Consumer;
import nacre.neuralassets.data.BadData;
import picocli.CommandLine.Option;

/** The option {@code --skip-bad}. */
final class Skipping {
  @Option(
      names = "--skip-bad",
      description =
          "Leave out clips that cannot be read, and tell of each; otherwise the first ends the"
              + " command.")
  private boolean skipBad;

  /**
   * What becomes of clips that cannot be read.
   *
   * @param told is given a line for each that is left out
   */
  BadData bad(Consumer<String> told) {
    return skipBad ? BadData.skipped(line -> told.accept("skipped " + line)) : BadData.refused();
  }
}
