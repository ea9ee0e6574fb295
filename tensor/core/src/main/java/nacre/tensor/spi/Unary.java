package nacre.tensor.spi;

/** Elementwise functions of one argument. */
public enum Unary {
  /** x · sigmoid(x). */
  SILU,
  /** x · Φ(x), with the error function. */
  GELU,
  /** GELU by the tanh approximation. */
  GELU_TANH,
  /** x · sigmoid(1.702 x). */
  QUICK_GELU,
  /** 1 / (1 + e⁻ˣ). */
  SIGMOID,
  /** max(x, 0). */
  RELU,
  /** Hyperbolic tangent. */
  TANH,
  /** eˣ. */
  EXP,
  /** x². */
  SQUARE,
  /** √x. */
  SQRT,
  /** Sine. */
  SIN,
  /** Cosine. */
  COS,
  /** Natural logarithm. */
  LOG,
  /** log(1 + eˣ), which neither overflows nor cancels. */
  SOFTPLUS,
  /** |x|; its derivative at zero is zero. */
  ABS
}
