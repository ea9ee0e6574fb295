package nacre.tensor.spi;

/** Elementwise functions of two arguments. */
public enum Binary {
  ADD,
  SUBTRACT,
  MULTIPLY,
  DIVIDE
}
