package nacre.tensor.ops;

import java.util.SplittableRandom;
import nacre.tensor.Shape;

/**
 * Random numbers for a differentiable input.
 *
 * @param shape of the input
 * @param low least magnitude
 * @param high greatest magnitude
 * @param signed whether negative numbers occur too
 * @param perUnit values are multiples of one over this, so that steps from them are exact
 */
record Input(Shape shape, double low, double high, boolean signed, int perUnit) {
  private static final int GRID = 1024;

  /** Between −2 and 2. */
  static Input of(int... dims) {
    return new Input(Shape.of(dims), 0, 2, true, GRID);
  }

  /** Between 0.5 and 2 on either side of zero: for functions with a pole or kink there. */
  static Input awayFromZero(int... dims) {
    return new Input(Shape.of(dims), 0.5, 2, true, GRID);
  }

  /** Between 0.5 and 2. */
  static Input positive(int... dims) {
    return new Input(Shape.of(dims), 0.5, 2, false, GRID);
  }

  /**
   * Between −2 and 2, a step of the checker apart: exact in 16 bits, and so are steps from them.
   */
  static Input coarse(int... dims) {
    return new Input(Shape.of(dims), 0, 2, true, (int) (1 / GradientChecker.STEP));
  }

  float[] values(SplittableRandom random) {
    float[] values = new float[(int) shape.elements()];
    for (int i = 0; i < values.length; i++) {
      double v = Math.rint(random.nextDouble(low, high) * perUnit) / perUnit;
      values[i] = (float) (signed && random.nextBoolean() ? -v : v);
    }
    return values;
  }
}
