package nacre.cli.output;

/**
 * An exponential moving average: each value weighs {@code 1 - memory}, each step back {@code
 * memory} times less, and the weights of the values seen so far sum to one from the first value on.
 */
final class ExponentialMean {
  private final double memory;
  private double sum;
  private double weight;

  /**
   * @param memory 0 (the last value only) to below 1
   */
  ExponentialMean(double memory) {
    if (!(memory >= 0 && memory < 1)) {
      throw new IllegalArgumentException("memory " + memory + " is not in [0, 1)");
    }
    this.memory = memory;
  }

  /** Adds a value; one that is not finite is ignored, or it would stay forever. */
  ExponentialMean add(double value) {
    if (Double.isFinite(value)) {
      sum = memory * sum + (1 - memory) * value;
      weight = memory * weight + (1 - memory);
    }
    return this;
  }

  /** The mean; NaN before the first value. */
  double value() {
    return sum / weight;
  }
}
