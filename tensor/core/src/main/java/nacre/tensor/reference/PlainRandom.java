package nacre.tensor.reference;

import nacre.tensor.Philox;
import nacre.tensor.Tensor;

/** Random numbers, as {@link Philox} makes them. */
final class PlainRandom {
  private PlainRandom() {}

  static void uniform(long seed, long stream, Tensor y) {
    float[] values = new float[(int) y.elements()];
    Philox.uniform(seed, stream, 0, values);
    y.copyFrom(values);
  }

  static void normal(long seed, long stream, Tensor y) {
    float[] values = new float[(int) y.elements()];
    Philox.normal(seed, stream, 0, values);
    y.copyFrom(values);
  }
}
