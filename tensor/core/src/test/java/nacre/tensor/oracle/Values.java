package nacre.tensor.oracle;

import java.util.Random;

/** Where the elements of an input come from. */
interface Values {
  double next(Random random, int i);

  static Values normal() {
    return (random, i) -> random.nextGaussian();
  }

  static Values normal(double mean, double deviation) {
    return (random, i) -> mean + deviation * random.nextGaussian();
  }

  static Values uniform(double from, double to) {
    return (random, i) -> from + (to - from) * random.nextDouble();
  }

  /** Integers from {@code from} (inclusive) to {@code to} (exclusive). */
  static Values integers(int from, int to) {
    return (random, i) -> random.nextInt(from, to);
  }

  /** The given values again and again. */
  static Values of(double... values) {
    return (random, i) -> values[i % values.length];
  }
}
