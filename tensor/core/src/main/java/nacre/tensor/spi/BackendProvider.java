package nacre.tensor.spi;

import java.util.List;
import java.util.Set;
import nacre.tensor.Setting;
import nacre.tensor.Settings;

/**
 * A kind of device, found by {@link java.util.ServiceLoader}: whoever has a backend of his own
 * names its provider in {@code META-INF/services/nacre.tensor.spi.BackendProvider}, and in {@code
 * module-info} where there is one. Then {@link nacre.tensor.Device#of} knows the device.
 */
public interface BackendProvider {
  /** What the kind is called where devices are named, such as {@code cuda}. */
  String kind();

  /** What the device {@code ordinal} is called, such as {@code cuda:1}. */
  default String deviceName(int ordinal, Settings settings) {
    return ordinal == 0 ? kind() : kind() + ":" + ordinal;
  }

  /**
   * Where the kind stands when {@code auto} chooses: the highest that can be used here is taken,
   * none below 0. The CPU stands at 0.
   */
  default int preference(Settings settings) {
    return -1;
  }

  /** What outside Nacre the kind needs, as it was found or missed here; empty if nothing. */
  default List<Requirement> requirements(Settings settings) {
    return List.of();
  }

  /** How many such devices can be used here; 0 where a requirement is not met. */
  int count(Settings settings);

  /**
   * Settings by which two devices of one ordinal differ. What else was set holds for the process,
   * from the first device of the kind that was opened.
   */
  default Set<Setting> settings() {
    return Set.of();
  }

  /**
   * Opens a device.
   *
   * @param ordinal counted from 0
   * @throws IllegalStateException in one sentence that says what is missing if it cannot be used
   */
  Backend open(int ordinal, Settings settings);
}
