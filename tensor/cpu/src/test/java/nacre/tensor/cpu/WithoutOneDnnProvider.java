package nacre.tensor.cpu;

import nacre.bindings.Processors;
import nacre.tensor.Settings;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.BackendProvider;

/** The CPU as it is where oneDNN does not load, as a kind of device of its own for the tests. */
public final class WithoutOneDnnProvider implements BackendProvider {
  @Override
  public String kind() {
    return "cpu-without-onednn";
  }

  @Override
  public int count(Settings settings) {
    return 1;
  }

  @Override
  public Backend open(int ordinal, Settings settings) {
    return CpuProvider.withoutLibrary(
        "left out by a test", settings.threads().orElseGet(Processors::physicalCores));
  }
}
