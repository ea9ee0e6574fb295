package nacre.tensor.oracle;

import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.spi.AdamWConstants;
import nacre.tensor.spi.AdamWTensors;

/** Norms, AdamW and moving averages over lists of tensors of unlike sizes. */
final class OptimizerCases {
  private OptimizerCases() {}

  static void addTo(List<OracleCase> cases) {
    for (DType dtype : ElementwiseCases.FLOATING) {
      cases.add(
          OracleCase.of("sumOfSquares", dtype)
              .in(dtype, 1)
              .in(dtype, 33, 17)
              .in(dtype, 5003)
              .in(dtype, 2, 3, 3, 7)
              .out(DType.F32)
              .call((backend, t) -> backend.sumOfSquares(List.of(t[0], t[1], t[2], t[3]), t[4])));
      cases.add(
          OracleCase.of("sumOfSquares", dtype, "of one")
              .in(dtype, 7)
              .out(DType.F32)
              .call((backend, t) -> backend.sumOfSquares(List.of(t[0]), t[1])));
    }
    adamW(cases, "first step", 1, 0.01, Double.POSITIVE_INFINITY, 0);
    adamW(cases, "later", 57, 0.01, Double.POSITIVE_INFINITY, 0);
    adamW(cases, "no decay", 3, 0, Double.POSITIVE_INFINITY, 0);
    adamW(cases, "clipped", 3, 0.01, 1, 2500);
    adamW(cases, "norm below the limit", 3, 0.01, 1, 0.25);
    adamW(cases, "norm without a limit", 3, 0.01, Double.POSITIVE_INFINITY, 2500);
    adamWInBf16(cases);
    for (double norm : new double[] {0, 2500}) {
      adamWInCodes(cases, norm);
    }
    for (DType gradients : new DType[] {DType.F32, DType.BF16}) {
      for (DType moments : new DType[] {DType.F32, DType.BF16, DType.U8}) {
        adamWOnBf16(cases, gradients, moments, false);
        adamWOnBf16(cases, gradients, moments, true);
      }
    }
    for (DType from : ElementwiseCases.FLOATING) {
      for (DType to : ElementwiseCases.FLOATING) {
        cases.add(
            OracleCase.of("castAll", from, "to", to)
                .in(from, 33, 17)
                .in(from, 5)
                .in(from, 64, 8)
                .out(to, 33, 17)
                .out(to, 5)
                .out(to, 64, 8)
                .call(
                    (backend, t) ->
                        backend.castAll(List.of(t[0], t[1], t[2]), List.of(t[3], t[4], t[5]))));
      }
    }
    for (DType from : new DType[] {DType.F32, DType.BF16}) {
      for (double weight : new double[] {0, 0.0001, 0.3, 1}) {
        lerp(cases, from, weight);
      }
    }
  }

  private static void adamW(
      List<OracleCase> cases,
      String label,
      int step,
      double decay,
      double maxNorm,
      double squaredNorm) {
    AdamWConstants constants = new AdamWConstants(0.9, 0.999, 1e-8, decay, maxNorm, 10, 3);
    Values moment = step == 1 ? Values.of(0) : Values.normal(0, 0.1);
    Values square = step == 1 ? Values.of(0) : Values.uniform(0.001, 0.1);
    cases.add(
        OracleCase.of("adamW", label)
            .inOut(DType.F32, Values.normal(), 33, 17)
            .inOut(DType.F32, Values.normal(), 5)
            .in(DType.F32, 33, 17)
            .in(DType.F32, 5)
            .inOut(DType.F32, moment, 33, 17)
            .inOut(DType.F32, moment, 5)
            .inOut(DType.F32, square, 33, 17)
            .inOut(DType.F32, square, 5)
            .inOut(DType.I32, Values.of(step - 1, 2 * step), 2)
            .in(DType.F32, Values.of(squaredNorm))
            .in(DType.F32, Values.of(1e-3))
            .call(
                (backend, t) ->
                    backend.adamW(
                        new AdamWTensors(
                            List.of(t[0], t[1]),
                            List.of(t[2], t[3]),
                            List.of(t[4], t[5]),
                            List.of(t[6], t[7]),
                            List.of(t[8].rows(0, 1), t[8].rows(1, 2))),
                        squaredNorm == 0 ? null : t[9],
                        t[10],
                        constants)));
  }

  private static void adamWInBf16(List<OracleCase> cases) {
    AdamWConstants constants = new AdamWConstants(0.9, 0.999, 1e-8, 0.01, 1, 1, 0x1234567890L);
    cases.add(
        OracleCase.of("adamW", "moments in bf16")
            .inOut(DType.F32, Values.normal(), 93, 57)
            .inOut(DType.F32, Values.normal(), 5)
            .in(DType.F32, 93, 57)
            .in(DType.F32, 5)
            .inOut(DType.BF16, Values.normal(0, 0.1), 93, 57)
            .inOut(DType.BF16, Values.normal(0, 0.1), 5)
            .inOut(DType.BF16, Values.uniform(0.001, 0.1), 93, 57)
            .inOut(DType.BF16, Values.uniform(0.001, 0.1), 5)
            .inOut(DType.I32, Values.of(6, 40), 2)
            .in(DType.F32, Values.of(2500))
            .in(DType.F32, Values.of(1e-3))
            .call(
                (backend, t) ->
                    backend.adamW(
                        new AdamWTensors(
                            List.of(t[0], t[1]),
                            List.of(t[2], t[3]),
                            List.of(t[4], t[5]),
                            List.of(t[6], t[7]),
                            List.of(t[8].rows(0, 1), t[8].rows(1, 2))),
                        t[9],
                        t[10],
                        constants)));
  }

  private static void lerp(List<OracleCase> cases, DType from, double weight) {
    cases.add(
        OracleCase.of("lerp", from, weight)
            .inOut(DType.F32, Values.normal(), 33, 17)
            .inOut(DType.F32, Values.normal(), 1)
            .in(from, 33, 17)
            .in(from, 1)
            .in(DType.F32, Values.of(weight))
            .call((backend, t) -> backend.lerp(List.of(t[0], t[1]), List.of(t[2], t[3]), t[4])));
  }

  /** Parameters in bf16; whether they were rounded by the same bits, RoundedParametersTest says. */
  private static void adamWOnBf16(
      List<OracleCase> cases, DType gradients, DType moments, boolean compensated) {
    AdamWConstants constants = new AdamWConstants(0.9, 0.999, 1e-8, 0.01, 1, 1, 0x1234567890L);
    Values first = moments == DType.U8 ? Values.integers(0, 256) : Values.normal(0, 0.1);
    Values second = moments == DType.U8 ? Values.integers(1, 256) : Values.uniform(0.001, 0.1);
    Values scales = Values.uniform(0.1, 1.1);
    boolean coded = moments == DType.U8;
    OracleCase one =
        OracleCase.of("adamW", "on bf16, gradients", gradients, "moments", moments, compensated)
            .inOut(DType.BF16, Values.normal(), 33, 17)
            .inOut(DType.BF16, Values.normal(), 5)
            .in(gradients, 33, 17)
            .in(gradients, 5)
            .inOut(moments, first, 33, 17)
            .inOut(moments, first, 5)
            .inOut(moments, second, 33, 17)
            .inOut(moments, second, 5)
            .inOut(DType.I32, Values.of(6, 40), 2)
            .in(DType.F32, Values.of(2500))
            .in(DType.F32, Values.of(1e-2));
    if (compensated) {
      Values rest = Values.normal(0, 0.001);
      one.inOut(DType.BF16, rest, 33, 17).inOut(DType.BF16, rest, 5);
    }
    if (coded) {
      one.inOut(DType.F32, scales, 3).inOut(DType.F32, scales, 1);
      one.inOut(DType.F32, scales, 3).inOut(DType.F32, scales, 1);
    }
    cases.add(
        one.call(
            (backend, t) -> {
              List<Tensor> rests = compensated ? List.of(t[11], t[12]) : List.of();
              int at = 11 + rests.size();
              backend.adamW(
                  new AdamWTensors(
                      List.of(t[0], t[1]),
                      rests,
                      List.of(t[2], t[3]),
                      List.of(t[4], t[5]),
                      List.of(t[6], t[7]),
                      coded ? List.of(t[at], t[at + 1]) : List.of(),
                      coded ? List.of(t[at + 2], t[at + 3]) : List.of(),
                      List.of(t[8].rows(0, 1), t[8].rows(1, 2))),
                  t[9],
                  t[10],
                  constants);
            }));
  }

  /** Blocks of several kinds: whole, cut off, of zeros. */
  private static void adamWInCodes(List<OracleCase> cases, double squaredNorm) {
    AdamWConstants constants = new AdamWConstants(0.9, 0.999, 1e-8, 0.01, 1, 1, 0);
    Values gradients = (random, i) -> i / 256 == 2 ? 0 : random.nextGaussian();
    Values scales = (random, i) -> i == 2 ? 0 : 0.1 + random.nextDouble();
    cases.add(
        OracleCase.of("adamW", "moments in 8 bits", squaredNorm)
            .inOut(DType.F32, Values.normal(), 93, 57)
            .inOut(DType.F32, Values.normal(), 5)
            .in(DType.F32, gradients, 93, 57)
            .in(DType.F32, 5)
            .inOut(DType.U8, Values.integers(0, 256), 93, 57)
            .inOut(DType.U8, Values.integers(0, 256), 5)
            .inOut(DType.U8, Values.integers(1, 256), 93, 57)
            .inOut(DType.U8, Values.integers(1, 256), 5)
            .inOut(DType.F32, scales, 21)
            .inOut(DType.F32, scales, 1)
            .inOut(DType.F32, scales, 21)
            .inOut(DType.F32, scales, 1)
            .inOut(DType.I32, Values.of(6, 40), 2)
            .in(DType.F32, Values.of(squaredNorm))
            .in(DType.F32, Values.of(1e-3))
            .call(
                (backend, t) ->
                    backend.adamW(
                        new AdamWTensors(
                            List.of(t[0], t[1]),
                            List.of(),
                            List.of(t[2], t[3]),
                            List.of(t[4], t[5]),
                            List.of(t[6], t[7]),
                            List.of(t[8], t[9]),
                            List.of(t[10], t[11]),
                            List.of(t[12].rows(0, 1), t[12].rows(1, 2))),
                        squaredNorm == 0 ? null : t[13],
                        t[14],
                        constants)));
  }
}
