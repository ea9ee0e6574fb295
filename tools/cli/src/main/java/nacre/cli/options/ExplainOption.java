package nacre.cli.options;

import java.util.List;
import java.util.function.Consumer;
import nacre.tensor.Device;
import picocli.CommandLine.Option;

/** {@code --explain}: prints which engine served which operation when a command is done. */
public final class ExplainOption {
  @Option(
      names = "--explain",
      description = "Say at the end which engine served which operation, and what was refused.")
  private boolean explain;

  /** Prints the explanation line by line, if the option was given. */
  public void tell(Device device, Consumer<String> out) {
    if (!explain) {
      return;
    }
    List<String> lines = device.backend().explain();
    out.accept("explain " + device + (lines.isEmpty() ? " keeps no account of its engines" : ""));
    lines.forEach(line -> out.accept("  " + line));
  }
}
