package nacre.tensor;

/** How often the memory of a tensor was written, for tests of other packages. */
public final class Writes {
  private Writes() {}

  /** A number that grows with each write. */
  public static int of(Tensor tensor) {
    return tensor.version();
  }
}
