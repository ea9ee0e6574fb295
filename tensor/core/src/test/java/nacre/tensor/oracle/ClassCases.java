package nacre.tensor.oracle;

import java.util.Arrays;
import java.util.List;
import nacre.tensor.DType;

/** Rows of scores, one score a class; choices by a mask; dropout. */
final class ClassCases {
  private static final int[][] ROWS = {
    {1}, {5, 1}, {7}, {3, 17}, {2, 3, 4, 65}, {7, 1000}, {2, 4099}, {600, 40}
  };

  private ClassCases() {}

  static void addTo(List<OracleCase> cases) {
    for (DType dtype : ElementwiseCases.FLOATING) {
      for (int[] shape : ROWS) {
        argmax(cases, dtype, "", Values.normal(), shape);
        for (DType index : new DType[] {DType.I32, DType.I64}) {
          crossEntropy(cases, dtype, index, 1, shape);
          if (shape.length > 1) {
            // Far apart, a row alone may be so sure of its target that only rounding is left of it.
            crossEntropy(cases, dtype, index, 30, shape);
          }
        }
      }
      argmax(cases, dtype, "ties", Values.integers(0, 3), 9, 77);
      argmax(cases, dtype, "zeros of both signs", Values.of(-1, -0.0, 0, -0.0), 3, 9);
      argmax(cases, dtype, "not a number", Values.of(1, 5, Double.NaN, 7, Double.NaN), 6, 43);
      argmax(cases, dtype, "lowest", Values.of(Double.NEGATIVE_INFINITY), 2, 5);
      for (int[] shape : new int[][] {{}, {7}, {3, 5, 7}, {20011}}) {
        for (DType mask : new DType[] {DType.U8, dtype}) {
          select(cases, dtype, mask, true, true, shape);
          select(cases, dtype, mask, true, false, shape);
          select(cases, dtype, mask, false, true, shape);
        }
        for (double p : new double[] {0, 0.1, 0.5, 1}) {
          cases.add(
              OracleCase.of("dropout", dtype, p, Arrays.toString(shape))
                  .in(dtype, shape)
                  .out(dtype, shape)
                  .call((backend, t) -> backend.dropout(t[0], p, 42, -7, t[1])));
        }
      }
    }
  }

  private static void argmax(
      List<OracleCase> cases, DType dtype, String label, Values values, int... shape) {
    cases.add(
        OracleCase.of("argmax", dtype, Arrays.toString(shape), label)
            .in(dtype, values, shape)
            .out(DType.I32, Arrays.copyOf(shape, shape.length - 1))
            .call((backend, t) -> backend.argmax(t[0], t[1])));
  }

  private static void crossEntropy(
      List<OracleCase> cases, DType dtype, DType index, double spread, int... shape) {
    int classes = shape[shape.length - 1];
    int[] rows = Arrays.copyOf(shape, shape.length - 1);
    Object[] label = {dtype, index, Arrays.toString(shape), spread};
    cases.add(
        OracleCase.of("crossEntropy", label)
            .in(dtype, Values.normal(0, spread), shape)
            .in(index, Values.integers(0, classes), rows)
            .out(DType.F32)
            .call((backend, t) -> backend.crossEntropy(t[0], t[1], t[2])));
    cases.add(
        OracleCase.of("crossEntropyBackward", label)
            .in(dtype, Values.normal(0, spread), shape)
            .in(index, Values.integers(0, classes), rows)
            .in(DType.F32, Values.of(1.5))
            .out(dtype, shape)
            .call((backend, t) -> backend.crossEntropyBackward(t[0], t[1], t[2], t[3])));
  }

  private static void select(
      List<OracleCase> cases, DType dtype, DType mask, boolean a, boolean b, int... shape) {
    String label = (a ? "a" : "zeros") + " or " + (b ? "b" : "zeros");
    cases.add(
        OracleCase.of("select", dtype, mask, label, Arrays.toString(shape))
            .in(mask, Values.integers(0, 3), shape)
            .in(dtype, shape)
            .in(dtype, shape)
            .out(dtype, shape)
            .call((backend, t) -> backend.select(t[0], a ? t[1] : null, b ? t[2] : null, t[3]))
            .exact());
  }
}
