package nacre.tools;

import java.util.Optional;
import nacre.tensor.Device;
import nacre.tensor.Requirement;

/** The card that tests run on besides the processor. */
public final class TestCard {
  private TestCard() {}

  /**
   * A card, if there is one, or the simulated one, if it is named: the build does so where {@code
   * native/sim/build native/target/sim} was run.
   *
   * @throws IllegalStateException if there is none, and {@code -Dnacre.test.card=required} says
   *     that there is one
   */
  public static Optional<Device> find() {
    boolean usable = Device.cudaRequirements().stream().allMatch(Requirement::met);
    boolean found = usable && Device.cudaCount() > 0;
    boolean required = "required".equals(System.getProperty("nacre.test.card"));
    return found || required ? Optional.of(Device.cuda(0)) : Optional.empty();
  }
}
