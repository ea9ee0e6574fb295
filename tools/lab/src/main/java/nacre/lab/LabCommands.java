package nacre.lab;

import java.util.List;
import nacre.cli.CommandProvider;
import nacre.lab.bench.BenchCommand;
import nacre.lab.gpu.GpuCheck;

/** {@code nacre bench} and {@code nacre gpu-check}, in a checkout only. */
public final class LabCommands implements CommandProvider {
  /** For {@link java.util.ServiceLoader}. */
  public LabCommands() {}

  @Override
  public List<Object> commands() {
    return List.of(new BenchCommand(), new GpuCheck());
  }
}
