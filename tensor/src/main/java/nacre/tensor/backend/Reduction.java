package nacre.tensor.backend;

/** How elements are reduced to one. */
public enum Reduction {
  SUM,
  MEAN
}
