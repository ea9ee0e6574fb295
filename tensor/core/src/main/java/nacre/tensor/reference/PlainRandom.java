package nacre.tensor.reference;

import java.lang.foreign.MemorySegment;
import nacre.tensor.Philox;
import nacre.tensor.Tensor;

/** Random numbers, as {@link Philox} makes them. */
final class PlainRandom {
  private PlainRandom() {}

  static void uniform(long seed, long stream, Tensor y) {
    float[] values = new float[(int) y.elements()];
    Philox.uniform(seed, stream, 0, values);
    Elements.memory(y).copyFrom(MemorySegment.ofArray(values)); // y is f32
  }

  static void dropout(Tensor x, double p, long seed, long stream, Tensor y) {
    double[] v = Elements.read(x);
    float[] u = new float[v.length];
    Philox.uniform(seed, stream, 0, u);
    for (int i = 0; i < v.length; i++) {
      v[i] = u[i] > (float) p ? v[i] / (1 - p) : 0;
    }
    Elements.write(v, y);
  }

  static void normal(long seed, long stream, Tensor y) {
    float[] values = new float[(int) y.elements()];
    Philox.normal(seed, stream, 0, values);
    Elements.memory(y).copyFrom(MemorySegment.ofArray(values)); // y is f32
  }
}
