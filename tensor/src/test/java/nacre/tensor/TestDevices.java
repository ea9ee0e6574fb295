package nacre.tensor;

import nacre.tensor.backend.Backend;

/** Devices that a user cannot choose. */
public final class TestDevices {
  private TestDevices() {}

  /** A device of its own over a backend. */
  public static Device over(String name, Backend backend) {
    return new Device(name, backend);
  }
}
