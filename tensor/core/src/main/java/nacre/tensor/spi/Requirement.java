package nacre.tensor.spi;

/**
 * Something outside Nacre that a device needs.
 *
 * @param name as its makers write it
 * @param met whether it is there, and new enough
 * @param finding its version and where it is, or what was looked for and how to get it
 */
public record Requirement(String name, boolean met, String finding) {}
