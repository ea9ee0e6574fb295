package nacre.tensor.reference;

import nacre.tensor.Settings;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.BackendProvider;

/** The device {@code reference}: plain Java, the oracle of the tests. */
public final class ReferenceProvider implements BackendProvider {
  /** For {@link java.util.ServiceLoader}. */
  public ReferenceProvider() {}

  @Override
  public String kind() {
    return "reference";
  }

  @Override
  public int count(Settings settings) {
    return 1;
  }

  @Override
  public Backend open(int ordinal, Settings settings) {
    if (ordinal != 0) {
      throw new IllegalStateException("reference:" + ordinal + ": there is one only");
    }
    return new ReferenceBackend();
  }
}
