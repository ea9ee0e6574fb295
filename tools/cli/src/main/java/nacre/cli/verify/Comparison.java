package nacre.cli.verify;

/**
 * The comparison of one tensor with the reference.
 *
 * @param tensor its key in the bundle
 * @param relativeError ‖a − b‖ / ‖b‖, or by another divisor where ‖b‖ is smaller; infinite where
 *     the shapes differ or the tensor was not computed
 * @param largestDifference largest absolute difference of an element
 * @param tolerance largest relative error that passes
 */
record Comparison(String tensor, double relativeError, double largestDifference, double tolerance) {

  /**
   * Compares element by element; NaN fails.
   *
   * @param smallestDivisor of the error; some gradients are mathematically zero
   */
  static Comparison of(
      String tensor, float[] actual, float[] expected, double smallestDivisor, double tolerance) {
    double squares = 0;
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      double difference = (double) actual[i] - expected[i];
      squares += difference * difference;
      largest = Math.max(largest, Math.abs(difference));
    }
    double divisor = Math.max(norm(expected), smallestDivisor);
    double relative = squares == 0 ? 0 : Math.sqrt(squares) / divisor;
    return new Comparison(tensor, relative, largest, tolerance);
  }

  /** A failed comparison: the tensor is missing, or has another shape. */
  static Comparison absent(String tensor, double tolerance) {
    return new Comparison(tensor, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY, tolerance);
  }

  static double norm(float[] values) {
    double squares = 0;
    for (float value : values) {
      squares += (double) value * value;
    }
    return Math.sqrt(squares);
  }

  /** Whether the error is a number within the tolerance. */
  boolean passed() {
    return relativeError <= tolerance;
  }

  /** The worse of two comparisons of the same tensor. */
  Comparison worse(Comparison other) {
    // Double.compare puts NaN above all numbers.
    return Double.compare(relativeError, other.relativeError) < 0 ? other : this;
  }
}
