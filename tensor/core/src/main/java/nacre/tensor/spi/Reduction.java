package nacre.tensor.spi;

/** How elements are reduced to one. */
public enum Reduction {
  /** The sum; of nothing, zero. */
  SUM,
  /** The mean; of nothing, not a number. */
  MEAN,
  /** The largest, or not a number if one of them is none; of nothing, −∞. */
  MAX
}
