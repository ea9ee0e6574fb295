package nacre.tensor;

/** A device that has no more memory: what was asked for, and how much is in use. */
public final class DeviceMemoryException extends IllegalStateException {
  private static final long serialVersionUID = 1;

  /**
   * The exception.
   *
   * @param message one line that names the device
   */
  public DeviceMemoryException(String message) {
    super(message);
  }
}
