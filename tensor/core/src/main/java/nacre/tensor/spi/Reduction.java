package nacre.tensor.spi;

/** How elements are reduced to one. */
public enum Reduction {
  SUM,
  MEAN
}
