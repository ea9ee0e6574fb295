package nacre.tensor.cpu;

import nacre.bindings.OneDnnChoice;
import nacre.bindings.Processors;
import nacre.tensor.Settings;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.BackendProvider;

/**
 * The device {@code cpu}: oneDNN and vectorized loops, or plain Java where oneDNN does not load.
 */
public final class CpuProvider implements BackendProvider {
  @Override
  public String kind() {
    return "cpu";
  }

  @Override
  public int preference(Settings settings) {
    return 0;
  }

  @Override
  public int count(Settings settings) {
    return 1;
  }

  @Override
  public Backend open(int ordinal, Settings settings) {
    if (ordinal != 0) {
      throw new IllegalStateException("cpu:" + ordinal + ": there is one only");
    }
    return CpuBackend.create(
        new OneDnnChoice(
            settings.oneDnn(),
            settings.threads().orElseGet(Processors::physicalCores),
            settings.cache(),
            settings.environment()));
  }
}
