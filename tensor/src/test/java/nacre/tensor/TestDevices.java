package nacre.tensor;

import java.util.Optional;
import nacre.bindings.CudaLibraries;
import nacre.tensor.backend.Backend;
import nacre.tensor.cuda.CudaBackend;

/** Devices that tests run on besides the processor. */
public final class TestDevices {
  private TestDevices() {}

  /** A device of its own over a backend. */
  public static Device over(String name, Backend backend) {
    return new Device(name, backend);
  }

  /**
   * A card, if there is one, or the simulated one, if it is named: the build does so where {@code
   * native/sim/build native/target/sim} was run.
   */
  public static Optional<Device> card() {
    return CudaLibraries.missing().isEmpty() && CudaBackend.count() > 0
        ? Optional.of(Device.cuda(0))
        : Optional.empty();
  }
}
