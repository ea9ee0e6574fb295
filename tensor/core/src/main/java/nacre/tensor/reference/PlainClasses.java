package nacre.tensor.reference;

import static nacre.tensor.reference.Elements.read;
import static nacre.tensor.reference.Elements.write;

import nacre.tensor.Tensor;
import nacre.tensor.spi.Indexed;

/** What is computed of rows of scores, one score a class. */
final class PlainClasses {
  private PlainClasses() {}

  static void argmax(Tensor x, Tensor y) {
    double[] v = read(x);
    int c = x.dim(-1);
    double[] out = new double[(int) y.elements()];
    for (int row = 0; row < out.length; row++) {
      int best = 0;
      for (int i = 1; i < c; i++) {
        // Double.compare puts NaN above all, and −0 below 0, which here are equal.
        double one = v[row * c + i] + 0.0;
        double other = v[row * c + best] + 0.0;
        if (Double.compare(one, other) > 0) {
          best = i;
        }
      }
      out[row] = best;
    }
    write(out, y);
  }

  static void crossEntropy(Tensor logits, Tensor targets, Tensor y) {
    double[] v = read(logits);
    int c = logits.dim(-1);
    long[] target = targets(targets, c);
    double sum = 0;
    for (int row = 0; row < target.length; row++) {
      sum += logSumExp(v, row * c, c) - v[row * c + (int) target[row]];
    }
    write(new double[] {sum / target.length}, y);
  }

  static void crossEntropyBackward(Tensor logits, Tensor targets, Tensor dy, Tensor dx) {
    double[] v = read(logits);
    int c = logits.dim(-1);
    long[] target = targets(targets, c);
    double factor = read(dy)[0] / target.length;
    for (int row = 0; row < target.length; row++) {
      double log = logSumExp(v, row * c, c);
      for (int i = 0; i < c; i++) {
        double p = Math.exp(v[row * c + i] - log);
        v[row * c + i] = factor * (i == target[row] ? p - 1 : p);
      }
    }
    write(v, dx);
  }

  private static long[] targets(Tensor targets, int classes) {
    long[] values = Elements.readIntegers(targets);
    for (int i = 0; i < values.length; i++) {
      Indexed.CROSS_ENTROPY.check(values[i], i, classes);
    }
    return values;
  }

  private static double logSumExp(double[] v, int from, int count) {
    double top = Double.NEGATIVE_INFINITY;
    for (int i = from; i < from + count; i++) {
      top = Math.max(top, v[i]);
    }
    double sum = 0;
    for (int i = from; i < from + count; i++) {
      sum += Math.exp(v[i] - top);
    }
    return top + Math.log(sum);
  }
}
