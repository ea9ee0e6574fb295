package nacre.tensor.spi;

/**
 * Something outside Nacre that a device needs.
 *
 * @param name as its makers write it
 * @param met whether it is there, and new enough
 * @param finding its version and where it is, or what was looked for and how to get it
 * @param optional whether the device can be used without, though not for everything
 */
public record Requirement(String name, boolean met, String finding, boolean optional) {

  /** What the device cannot be used without. */
  public Requirement(String name, boolean met, String finding) {
    this(name, met, finding, false);
  }
}
