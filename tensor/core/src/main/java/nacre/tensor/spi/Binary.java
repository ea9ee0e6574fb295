package nacre.tensor.spi;

/** Elementwise functions of two arguments. */
public enum Binary {
  /** {@code a + b}. */
  ADD,
  /** {@code a - b}. */
  SUBTRACT,
  /** {@code a · b}. */
  MULTIPLY,
  /** {@code a / b}. */
  DIVIDE
}
