package nacre.tensor;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import nacre.bindings.CudaLibraries;
import nacre.tensor.backend.Backend;
import nacre.tensor.cuda.CudaBackend;

/** Devices that tests run on besides the processor. */
public final class TestDevices {
  /** Where {@code native/sim/build native/target/sim} leaves the simulated card. */
  private static final Path SIMULATOR = Path.of("../native/target/sim/libnacre_sim.so");

  private TestDevices() {}

  /** A device of its own over a backend. */
  public static Device over(String name, Backend backend) {
    return new Device(name, backend);
  }

  /**
   * A card, if there is one, or the simulated one, if it was built: by {@code native/sim/build
   * native/target/sim}, or wherever {@code NACRE_CUDA_SIM} names it.
   */
  public static Optional<Device> card() {
    if (CudaLibraries.simulator().isEmpty() && Files.isRegularFile(SIMULATOR)) {
      System.setProperty("nacre.cuda.sim", SIMULATOR.toString());
    }
    return CudaLibraries.missing().isEmpty() && CudaBackend.count() > 0
        ? Optional.of(Device.cuda(0))
        : Optional.empty();
  }
}
