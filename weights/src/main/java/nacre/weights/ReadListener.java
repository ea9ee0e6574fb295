package nacre.weights;

/** A listener to the reading of weights, such as a progress bar. */
@FunctionalInterface
public interface ReadListener {
  /** Listens to nothing. */
  ReadListener NONE = (done, total) -> {};

  /**
   * Called after each tensor.
   *
   * @param done bytes of the file that have been read
   * @param total bytes of all tensors
   */
  void read(long done, long total);
}
