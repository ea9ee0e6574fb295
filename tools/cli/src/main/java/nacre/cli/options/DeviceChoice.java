package nacre.cli.options;

import java.util.function.Consumer;
import nacre.cli.ranks.Ranks;
import nacre.tensor.Device;
import nacre.tensor.Setting;
import nacre.tensor.Settings;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options for the device that a command uses. */
public final class DeviceChoice {
  @Mixin private CudaOptions cuda;

  @Option(
      names = "--device",
      paramLabel = "NAME",
      defaultValue = "auto",
      description = "Where to compute: auto, cpu, cuda, cuda:1 and so on.")
  private String name;

  @Option(
      names = "--no-graph",
      description =
          "Launch each operation of a step by itself on a GPU, not the step as a whole; the bits"
              + " are the same.")
  private boolean noGraph;

  @Mixin private ExplainOption explain;

  /** The device, configured as the command line says. */
  public Device device() {
    Settings settings = cuda.settings();
    if (noGraph) {
      settings = settings.with(Setting.GRAPH, "off");
    }
    return of(Ranks.current().device(name, settings), settings);
  }

  /**
   * The device of a name.
   *
   * @throws UsageException if there is none of that name
   * @throws IllegalStateException if it cannot be used here
   */
  public static Device of(String name, Settings settings) {
    try {
      return Device.of(name, settings);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--" + e.getMessage(), e);
    }
  }

  /** Prints the explanation if {@code --explain} was given. */
  public void explain(Consumer<String> out) {
    explain.tell(device(), out);
  }
}
