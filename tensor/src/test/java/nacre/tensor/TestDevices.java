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
   *
   * @throws IllegalStateException if there is none, and {@code -Dnacre.test.card=required} says
   *     that there is one: without it tests of a card would pass that did not run
   */
  public static Optional<Device> card() {
    boolean found = CudaLibraries.missing().isEmpty() && CudaBackend.count() > 0;
    boolean required = "required".equals(System.getProperty("nacre.test.card"));
    return found || required ? Optional.of(Device.cuda(0)) : Optional.empty();
  }
}
