package nacre.tools;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import nacre.tensor.Device;
import nacre.tensor.Requirement;

/** The card that tests run on besides the processor. */
public final class TestCard {
  /** Where {@code native/sim/build native/target/sim} leaves the simulated card. */
  private static final Path SIMULATOR = Path.of("../native/target/sim/libnacre_sim.so");

  private TestCard() {}

  /** A card, if there is one, or the simulated one, if it was built or is named. */
  public static Optional<Device> find() {
    if (System.getenv("NACRE_CUDA_SIM") == null && Files.isRegularFile(SIMULATOR)) {
      System.setProperty("nacre.cuda.sim", SIMULATOR.toString());
    }
    boolean usable = Device.cudaRequirements().stream().allMatch(Requirement::met);
    return usable && Device.cudaCount() > 0 ? Optional.of(Device.cuda(0)) : Optional.empty();
  }
}
