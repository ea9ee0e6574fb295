package nacre.tensor.oracle;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import nacre.tensor.DType;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Unary;

/** Functions of one and two arguments, with every way of broadcasting, and in place. */
final class ElementwiseCases {
  static final DType[] FLOATING = {DType.F32, DType.BF16, DType.F16};
  private static final int[][] SHAPES = {{}, {1}, {7}, {3, 5, 2}, {2, 1, 33, 17}, {20011}};

  /** Pairs of shapes that broadcast, and what they broadcast to. */
  private static final int[][][] PAIRS = {
    {{}, {}, {}},
    {{13}, {13}, {13}},
    {{3, 5, 7}, {3, 5, 7}, {3, 5, 7}},
    {{3, 5, 7}, {}, {3, 5, 7}},
    {{}, {3, 5, 7}, {3, 5, 7}},
    {{2, 4, 5, 19}, {19}, {2, 4, 5, 19}},
    {{19}, {2, 4, 5, 19}, {2, 4, 5, 19}},
    {{3, 4, 5, 6}, {3, 1, 1, 6}, {3, 4, 5, 6}},
    {{3, 1, 1, 6}, {3, 4, 5, 6}, {3, 4, 5, 6}},
    {{3, 4, 5, 6}, {3, 1, 1, 1}, {3, 4, 5, 6}},
    {{3, 4, 5, 6}, {4, 1, 1}, {3, 4, 5, 6}},
    {{3, 4, 5, 6}, {1, 4, 5, 1}, {3, 4, 5, 6}},
    {{2, 9, 33}, {9, 33}, {2, 9, 33}},
    {{2, 1, 7}, {1, 5, 1}, {2, 5, 7}},
    {{5, 1}, {2, 1, 7}, {2, 5, 7}},
    {{1}, {1, 1, 1}, {1, 1, 1}},
    // Large enough for a library.
    {{3, 2741}, {3, 2741}, {3, 2741}},
    {{2, 12, 15, 48}, {2, 1, 1, 48}, {2, 12, 15, 48}},
    {{35}, {17, 18, 35}, {17, 18, 35}},
    {{70, 1}, {1, 130}, {70, 130}},
    {{64, 257}, {257}, {64, 257}},
    {{6, 1, 2, 1, 3}, {1, 4, 2, 5, 1}, {6, 4, 2, 5, 3}},
    {{2, 500, 3}, {2, 500, 1}, {2, 500, 3}},
    {{2, 1, 33, 40}, {2, 77, 1, 1}, {2, 77, 33, 40}},
    {{0}, {}, {0}},
    {{0, 3}, {3}, {0, 3}},
    {{2, 0, 3}, {2, 1, 1}, {2, 0, 3}},
    {{1, 4}, {0, 1}, {0, 4}},
  };

  private static final Set<Unary> BOUNDED =
      EnumSet.of(
          Unary.SILU,
          Unary.GELU,
          Unary.GELU_TANH,
          Unary.QUICK_GELU,
          Unary.SIGMOID,
          Unary.RELU,
          Unary.TANH,
          Unary.SOFTPLUS,
          Unary.ABS);

  private ElementwiseCases() {}

  static void addTo(List<OracleCase> cases) {
    for (DType dtype : FLOATING) {
      unary(cases, dtype);
      binary(cases, dtype);
      linear(cases, dtype);
      geglu(cases, dtype);
    }
  }

  private static void unary(List<OracleCase> cases, DType dtype) {
    for (Unary f : Unary.values()) {
      double spread = dtype == DType.F16 ? 2 : 3; // e¹² is beyond f16
      Values values =
          f == Unary.SQRT || f == Unary.LOG ? Values.uniform(0.01, 9) : Values.normal(0, spread);
      for (int[] shape : SHAPES) {
        addUnary(cases, dtype, f, values, shape);
      }
      if (BOUNDED.contains(f)) {
        Values extreme = Values.of(-3e4, -100, -88.5, -20, -9, -1e-6, 0, 1e-6, 9, 20, 89, 100, 3e4);
        addUnary(cases, dtype, f, extreme, 26);
      }
      cases.add(
          OracleCase.of("unary", f, dtype, "in place")
              .inOut(dtype, values, 5, 77)
              .call((backend, t) -> backend.unary(f, t[0], t[0])));
      cases.add(
          OracleCase.of("unaryBackward", f, dtype, "over dy")
              .in(dtype, values, 5, 77)
              .inOut(dtype, Values.normal(), 5, 77)
              .call((backend, t) -> backend.unaryBackward(f, t[0], t[1], t[1])));
    }
  }

  private static void addUnary(
      List<OracleCase> cases, DType dtype, Unary f, Values many, int... shape) {
    // One element has no neighbors to be compared with: keep it from where functions vanish.
    Values values = shape.length == 0 || shape[0] == 1 ? Values.uniform(0.4, 1.2) : many;
    cases.add(
        OracleCase.of("unary", f, dtype, Arrays.toString(shape))
            .in(dtype, values, shape)
            .out(dtype, shape)
            .call((backend, t) -> backend.unary(f, t[0], t[1])));
    cases.add(
        OracleCase.of("unaryBackward", f, dtype, Arrays.toString(shape))
            .in(dtype, values, shape)
            .in(dtype, shape)
            .out(dtype, shape)
            .call((backend, t) -> backend.unaryBackward(f, t[0], t[1], t[2])));
  }

  private static void binary(List<OracleCase> cases, DType dtype) {
    for (Binary f : Binary.values()) {
      Values divisor = Values.uniform(0.5, 2);
      for (int[][] pair : PAIRS) {
        String label = Arrays.toString(pair[0]) + Arrays.toString(pair[1]);
        cases.add(
            OracleCase.of("binary", f, dtype, label)
                .in(dtype, pair[0])
                .in(dtype, divisor, pair[1])
                .out(dtype, pair[2])
                .call((backend, t) -> backend.binary(f, t[0], t[1], t[2])));
        if (Arrays.equals(pair[0], pair[2])) {
          cases.add(
              OracleCase.of("binary", f, dtype, label, "over a")
                  .inOut(dtype, Values.normal(), pair[0])
                  .in(dtype, divisor, pair[1])
                  .call((backend, t) -> backend.binary(f, t[0], t[1], t[0])));
        }
        if (Arrays.equals(pair[1], pair[2])) {
          cases.add(
              OracleCase.of("binary", f, dtype, label, "over b")
                  .in(dtype, pair[0])
                  .inOut(dtype, divisor, pair[1])
                  .call((backend, t) -> backend.binary(f, t[0], t[1], t[1])));
        }
      }
      cases.add(
          OracleCase.of("binary", f, dtype, "of itself")
              .inOut(dtype, divisor, 21)
              .call((backend, t) -> backend.binary(f, t[0], t[0], t[0])));
    }
  }

  private static void linear(List<OracleCase> cases, DType dtype) {
    for (int[] shape : SHAPES) {
      cases.add(
          OracleCase.of("affine", dtype, Arrays.toString(shape))
              .in(dtype, shape)
              .out(dtype, shape)
              .call((backend, t) -> backend.affine(t[0], 1.7, -0.3, t[1])));
      cases.add(
          OracleCase.of("affine", dtype, Arrays.toString(shape), "in place")
              .inOut(dtype, Values.normal(), shape)
              .call((backend, t) -> backend.affine(t[0], -2, 127.5, t[0])));
      cases.add(
          OracleCase.of("mix", dtype, Arrays.toString(shape))
              .in(dtype, shape)
              .in(dtype, shape)
              .out(dtype, shape)
              .call((backend, t) -> backend.mix(t[0], 0.9, t[1], -1.1, t[2])));
      cases.add(
          OracleCase.of("mix", dtype, Arrays.toString(shape), "over b")
              .in(dtype, shape)
              .inOut(dtype, Values.normal(), shape)
              .call((backend, t) -> backend.mix(t[0], 0.25, t[1], 3, t[1])));
    }
  }

  private static void geglu(List<OracleCase> cases, DType dtype) {
    for (int[] out : new int[][] {{1}, {5}, {3, 1}, {3, 33}, {2, 7, 64}, {2, 3, 5, 129}}) {
      int[] in = out.clone();
      in[in.length - 1] *= 2;
      cases.add(
          OracleCase.of("geglu", dtype, Arrays.toString(out))
              .in(dtype, Values.normal(0, 2), in)
              .out(dtype, out)
              .call((backend, t) -> backend.geglu(t[0], t[1])));
      cases.add(
          OracleCase.of("gegluBackward", dtype, Arrays.toString(out))
              .in(dtype, Values.normal(0, 2), in)
              .in(dtype, out)
              .out(dtype, in)
              .call((backend, t) -> backend.gegluBackward(t[0], t[1], t[2])));
    }
  }
}
