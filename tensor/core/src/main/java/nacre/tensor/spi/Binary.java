package nacre.tensor.spi;

/** Elementwise functions of two arguments. */
public enum Binary {
  /** a + b. */
  ADD,
  /** a − b. */
  SUBTRACT,
  /** a · b. */
  MULTIPLY,
  /** a / b. */
  DIVIDE,
  /** 1 where a = b, else 0. */
  EQUAL,
  /** 1 where a &lt; b, else 0. */
  LESS
}
