package nacre.tensor.spi;

/** How elements are reduced to one. */
public enum Reduction {
  /** Their sum. */
  SUM,
  /** Their arithmetic mean. */
  MEAN
}
