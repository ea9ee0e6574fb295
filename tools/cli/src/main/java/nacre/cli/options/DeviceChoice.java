package nacre.cli.options;

import java.util.function.Consumer;
import nacre.tensor.Device;
import nacre.tensor.Setting;
import nacre.tensor.Settings;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Where a command computes, and how. */
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
          "Have a card told of each operation of a step, not of the step as a whole; the bits are"
              + " the same.")
  private boolean noGraph;

  @Mixin private ExplainOption explain;

  /** The device; what is computed from now on is computed as the command line says. */
  public Device device() {
    Settings settings = cuda.settings();
    return Device.of(name, noGraph ? settings.with(Setting.GRAPH, "off") : settings);
  }

  /** Explains what was computed, if that was asked for. */
  public void explain(Consumer<String> out) {
    explain.tell(device(), out);
  }
}
