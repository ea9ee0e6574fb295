package nacre.tensor.ops;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;

/**
 * Gradients of {@code Σ output × cotangent} by the tape and by differences, and their comparison.
 */
final class GradientChecker {
  /** A power of two, so that value plus step is exact. */
  static final double STEP = 1.0 / 32;

  /**
   * Above what rounding to f32 leaves of a difference of fourth order, far below the one per cent
   * by which the tests falsify gradients.
   */
  private static final double TOLERANCE = 2e-3;

  private GradientChecker() {}

  /**
   * Differences of fourth order, [f(−2h) − 8 f(−h) + 8 f(h) − f(2h)] / 12h, for each element of
   * each input.
   */
  static double[][] byDifferences(Case c, Device device) {
    List<float[]> values = c.values();
    double[][] gradients = new double[values.size()][];
    for (int i = 0; i < gradients.length; i++) {
      float[] x = values.get(i);
      gradients[i] = new double[x.length];
      for (int j = 0; j < x.length; j++) {
        float at = x[j];
        double sum = 0;
        for (int[] term : new int[][] {{-2, 1}, {-1, -8}, {1, 8}, {2, -1}}) {
          x[j] = (float) (at + term[0] * STEP);
          sum += term[1] * loss(c, values, device);
        }
        x[j] = at;
        gradients[i][j] = sum / (12 * STEP);
      }
    }
    return gradients;
  }

  private static double loss(Case c, List<float[]> values, Device device) {
    float[] y = forward(c, values, device, DType.F32);
    float[] cotangent = Case.cotangent(y.length);
    double loss = 0;
    for (int i = 0; i < y.length; i++) {
      loss += (double) y[i] * cotangent[i];
    }
    return loss;
  }

  /** The output without a tape. */
  static float[] forward(Case c, List<float[]> values, Device device, DType dtype) {
    try (Scope _ = Scope.open()) {
      return c.function().apply(tensors(c, values, device, dtype)).toFloats();
    }
  }

  /** The gradients of all inputs by the tape. */
  static double[][] byTape(Case c, List<float[]> values, Device device, DType dtype) {
    return byTape(c, c.function(), values, device, dtype, all(c));
  }

  static int[] all(Case c) {
    return IntStream.range(0, c.inputs().size()).toArray();
  }

  /** The gradients of the inputs named by {@code tracked} by the tape; null for the others. */
  static double[][] byTape(
      Case c,
      Function<Tensor[], Tensor> function,
      List<float[]> values,
      Device device,
      DType dtype,
      int... tracked) {
    try (Scope _ = Scope.open();
        Tape tape = Tape.open()) {
      Tensor[] in = tensors(c, values, device, dtype);
      for (int i : tracked) {
        in[i].track();
      }
      Tensor y = function.apply(in);
      Tensor cotangent =
          Tensor.empty(device, y.dtype(), y.shape()).copyFrom(Case.cotangent((int) y.elements()));
      Gradients gradients = tape.backward(Map.of(y, cotangent));
      double[][] result = new double[in.length][];
      for (int i = 0; i < in.length; i++) {
        Tensor gradient = gradients.of(in[i]);
        if (gradient != null) {
          if (gradient.dtype() != dtype) {
            throw new AssertionError(c + ": gradient " + i + " is " + gradient + ", not " + dtype);
          }
          result[i] = doubles(gradient.toFloats());
        }
      }
      return result;
    }
  }

  private static Tensor[] tensors(Case c, List<float[]> values, Device device, DType dtype) {
    Tensor[] in = new Tensor[values.size()];
    for (int i = 0; i < in.length; i++) {
      Shape shape = c.inputs().get(i).shape();
      in[i] = Tensor.empty(device, dtype, shape).copyFrom(values.get(i));
    }
    return in;
  }

  static double[] doubles(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
  }

  /** What is wrong with a gradient, or null if nothing is. */
  static String complaint(double[] gradient, double[] expected) {
    return complaint(gradient, expected, TOLERANCE);
  }

  /**
   * What is wrong with a gradient, or null if nothing is: every element is held to the tolerance
   * times its own magnitude, or times the root mean square where the element is smaller.
   */
  static String complaint(double[] gradient, double[] expected, double tolerance) {
    if (gradient == null) {
      return "there is none";
    }
    double squares = 0;
    for (double e : expected) {
      squares += e * e;
    }
    double typical = Math.sqrt(squares / expected.length);
    for (int i = 0; i < expected.length; i++) {
      double allowed = tolerance * Math.max(Math.abs(expected[i]), typical);
      // Written so that NaN fails.
      if (!(Math.abs(gradient[i] - expected[i]) <= allowed)) {
        return "element " + i + " is " + gradient[i] + ", expected " + expected[i];
      }
    }
    return null;
  }
}
