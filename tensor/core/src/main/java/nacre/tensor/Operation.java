package nacre.tensor;

/**
 * A differentiable operation with its attributes: shape rule, forward and backward side by side.
 * Implementations are records in {@code nacre.tensor.ops}; each is listed in {@link
 * nacre.tensor.ops.Registry}.
 */
public interface Operation {
  /**
   * Computes the output.
   *
   * @param context takes what {@link #backward} will need
   * @param in the inputs; optional ones may be null
   */
  Tensor forward(Context context, Tensor... in);

  /**
   * Computes the gradient of each input.
   *
   * @param context what {@link #forward} saved
   * @param dy gradient of the output, of its shape
   * @return one gradient per input, of its shape; null where {@link Context#needs} is false. {@code
   *     dy} itself may be returned.
   */
  Tensor[] backward(Context context, Tensor dy);

  /** Runs the operation, and records it when a tape is open and an input is tracked. */
  static Tensor apply(Operation operation, Tensor... in) {
    return Tape.run(operation, in);
  }
}
