package nacre.tensor.oracle;

import java.util.Arrays;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.spi.Reduction;

/** Sums and means over every choice of axes, and the mean squared error. */
final class ReductionCases {
  private static final int[][][] SHAPES = {
    {{}, {}},
    {{1}, {}},
    {{4099}, {}},
    {{4099}, {1}},
    {{4099}, {4099}},
    {{2, 3, 4, 5}, {}},
    {{2, 3, 4, 5}, {1, 1, 1, 1}},
    {{2, 3, 4, 5}, {5}},
    {{2, 3, 4, 5}, {4, 5}},
    {{2, 3, 4, 5}, {4, 1}},
    {{2, 3, 4, 5}, {3, 1, 1}},
    {{2, 3, 4, 5}, {2, 1, 1, 5}},
    {{2, 3, 4, 5}, {2, 1, 1, 1}},
    {{2, 3, 4, 5}, {2, 3, 4, 1}},
    {{2, 3, 4, 5}, {2, 1, 4, 1}},
    {{2, 3, 4, 5}, {1, 3, 1, 5}},
    {{2, 3, 4, 5}, {2, 3, 4, 5}},
    {{300, 67}, {67}},
    {{700, 67}, {67}},
    {{300, 67}, {1, 67}},
    {{300, 67}, {300, 1}},
    {{2, 31, 17, 40}, {2, 1, 1, 40}},
    {{2, 31, 17, 40}, {40}},
    {{2, 31, 17, 40}, {}},
    {{3, 2, 5, 2, 7, 3}, {1, 2, 1, 2, 1, 3}},
    {{3, 2, 5, 2, 7, 3}, {3, 1, 5, 1, 7, 1}},
    {{5, 3, 2731}, {1, 3, 2731}},
    {{5, 3, 2731}, {5, 1, 2731}},
    {{5, 3, 2731}, {5, 3, 1}},
    {{2, 40_009}, {2, 1}},
    {{40_009, 3}, {40_009, 1}},
    {{2, 9001, 3}, {2, 1, 3}},
  };

  /** Sums of no elements are zero. */
  private static final int[][][] NOTHING = {
    {{0}, {}}, {{0, 3}, {1, 3}}, {{0, 3}, {0, 1}}, {{2, 0, 3}, {2, 1, 3}}, {{2, 3, 0}, {2, 1, 1}},
  };

  private ReductionCases() {}

  static void addTo(List<OracleCase> cases) {
    for (DType dtype : ElementwiseCases.FLOATING) {
      for (Reduction r : Reduction.values()) {
        for (int[][] shape : SHAPES) {
          cases.add(
              OracleCase.of(
                      "reduce",
                      r,
                      dtype,
                      Arrays.toString(shape[0]),
                      "to",
                      Arrays.toString(shape[1]))
                  .in(dtype, Values.normal(1, 1), shape[0])
                  .out(dtype, shape[1])
                  .call((backend, t) -> backend.reduce(r, t[0], t[1])));
        }
      }
      cases.add(
          OracleCase.of("reduce", dtype, "the largest of what is no number")
              .in(dtype, Values.of(1, 2, 3, Double.NaN, 5, 6, 7), 14, 300)
              .out(dtype, 14, 1)
              .call((backend, t) -> backend.reduce(Reduction.MAX, t[0], t[1]))
              .mayBeNonFinite()
              .exact());
      cases.add(
          OracleCase.of("reduce", dtype, "the largest of nothing")
              .in(dtype, 0, 3)
              .out(dtype, 1, 3)
              .call((backend, t) -> backend.reduce(Reduction.MAX, t[0], t[1]))
              .mayBeNonFinite()
              .exact());
      for (int[][] shape : NOTHING) {
        cases.add(
            OracleCase.of("reduce", dtype, "nothing", Arrays.toString(shape[0]))
                .in(dtype, shape[0])
                .out(dtype, shape[1])
                .call((backend, t) -> backend.reduce(Reduction.SUM, t[0], t[1]))
                .exact());
      }
      for (int[] shape : new int[][] {{}, {1}, {7}, {3, 5, 7}, {2, 33, 32, 4}}) {
        cases.add(
            OracleCase.of("meanSquaredError", dtype, Arrays.toString(shape))
                .in(dtype, shape)
                .in(dtype, shape)
                .out(DType.F32)
                .call((backend, t) -> backend.meanSquaredError(t[0], t[1], t[2])));
        cases.add(
            OracleCase.of("meanSquaredErrorBackward", dtype, Arrays.toString(shape))
                .in(dtype, shape)
                .in(dtype, shape)
                .in(DType.F32)
                .out(dtype, shape)
                .call((backend, t) -> backend.meanSquaredErrorBackward(t[0], t[1], t[2], t[3])));
      }
    }
  }
}
