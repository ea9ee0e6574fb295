package nacre.tensor.cpu;

import nacre.tensor.backend.Backend;
import nacre.tensor.reference.ReferenceBackend;

/** Chooses what serves the processor. */
public final class CpuBackend {
  private CpuBackend() {}

  /** The backend of the processor. */
  public static Backend create() {
    return new ReferenceBackend();
  }
}
