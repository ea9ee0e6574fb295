package nacre.tensor.cpu;

import nacre.tensor.backend.Backend;

/** Backends that a machine with all libraries does not choose. */
public final class TestBackends {
  private TestBackends() {}

  /** The processor's backend as it is where oneDNN does not load. */
  public static Backend withoutLibrary() {
    return CpuBackend.withoutLibrary("left out by a test");
  }
}
