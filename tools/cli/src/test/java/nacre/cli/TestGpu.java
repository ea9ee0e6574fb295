package nacre.cli;

import java.util.Optional;
import nacre.tensor.Device;
import nacre.tensor.Settings;

/** The GPU that tests run on besides the CPU. */
public final class TestGpu {
  private TestGpu() {}

  /**
   * A GPU, if there is one, or the simulated one, if it is named: the build does so where {@code
   * native/sim/build native/target/sim} was run.
   *
   * @throws IllegalStateException if there is none, but {@code -Dnacre.test.gpu=required} is set
   */
  public static Optional<Device> find() {
    boolean found =
        Device.kinds().stream()
            .anyMatch(k -> k.kind().equals("cuda") && k.count(Settings.ofProcess()) > 0);
    boolean required = "required".equals(System.getProperty("nacre.test.gpu"));
    return found || required ? Optional.of(Device.of("cuda")) : Optional.empty();
  }
}
