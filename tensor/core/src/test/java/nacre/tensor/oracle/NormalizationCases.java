package nacre.tensor.oracle;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.GroupNormInputs;
import nacre.tensor.spi.LayerNormInputs;
import nacre.tensor.spi.NormGradients;
import nacre.tensor.spi.NormStatistics;

/** Group and layer normalization. */
final class NormalizationCases {
  private static final Values GAMMA = Values.normal(1, 0.3);

  private NormalizationCases() {}

  static void addTo(List<OracleCase> cases) {
    for (DType dtype : ElementwiseCases.FLOATING) {
      for (boolean silu : new boolean[] {false, true}) {
        group(cases, dtype, Values.normal(), silu, 4, 2, 3, 5, 8);
        group(cases, dtype, Values.normal(), silu, 1, 3, 7, 9, 6);
        group(cases, dtype, Values.normal(), silu, 2, 3, 7, 9, 6);
        group(cases, dtype, Values.normal(), silu, 3, 1, 7, 9, 33);
        group(cases, dtype, Values.normal(), silu, 6, 3, 2, 9, 6);
        group(cases, dtype, Values.normal(), silu, 32, 1, 16, 15, 64);
        group(cases, dtype, Values.normal(), silu, 4, 2, 10, 12);
        group(cases, dtype, Values.normal(), silu, 2, 4, 12);
        group(cases, dtype, Values.normal(), silu, 8, 2, 24, 29, 48); // large enough for a library
        group(cases, dtype, Values.normal(), silu, 3, 1, 40, 41, 21);
        // Too large for a GPU to hold a group in a block's shared memory, in whole packs and not.
        group(cases, dtype, Values.normal(), silu, 2, 1, 72, 74, 24);
        group(cases, dtype, Values.normal(0.3, 1), silu, 1, 2, 60, 61, 33);
        group(cases, dtype, Values.normal(), silu, 8, 3, 9, 11, 80); // not all groups in one block
      }
      layer(cases, dtype, Values.normal(), 7);
      layer(cases, dtype, Values.normal(), 5, 7);
      layer(cases, dtype, Values.normal(), 2, 3, 64);
      layer(cases, dtype, Values.normal(), 2, 3, 5, 16);
      layer(cases, dtype, Values.normal(), 3, 1023);
      layer(cases, dtype, Values.normal(), 131, 320);
    }
    // A mean far from zero: E(x²) − E(x)² in f32 would keep almost nothing of the variance.
    group(cases, DType.F32, Values.normal(100, 1), true, 4, 2, 9, 7, 8);
    group(cases, DType.F32, Values.normal(100, 1), true, 3, 1, 40, 41, 21);
    group(cases, DType.F32, Values.normal(100, 1), true, 1, 2, 60, 61, 33);
    layer(cases, DType.F32, Values.normal(-100, 1), 5, 320);
    // A constant: variance zero, the output is beta, but for the mean's last bit times 1/√eps.
    OracleCase constant = OracleCase.of("groupNorm", "of a constant");
    groupOperands(constant, DType.F32, Values.of(3), 2, 4, 4, 6);
    cases.add(groupCall(constant, DType.F32, 2, false, 2, 4, 4, 6).loosen(20));
  }

  private static void group(
      List<OracleCase> cases, DType dtype, Values x, boolean silu, int groups, int... shape) {
    String size = dtype + Arrays.toString(shape) + " in " + groups + (silu ? " silu" : "");
    double mean = x.next(new Random(1), 0);
    double loosened = Math.abs(mean) > 50 ? 20 : 2;
    OracleCase forward = groupOperands(OracleCase.of("groupNorm", size, loosened), dtype, x, shape);
    cases.add(groupCall(forward, dtype, groups, silu, shape).loosen(loosened));
    int c = shape[shape.length - 1];
    cases.add(
        OracleCase.of("groupNormStatistics", size, loosened)
            .in(dtype, x, shape)
            .out(DType.F32, shape[0], groups)
            .out(DType.F32, shape[0], groups)
            .loosen(loosened)
            .call(
                (backend, t) ->
                    backend.groupNormStatistics(
                        t[0], groups, 1e-5, new NormStatistics(t[1], t[2]))));
    cases.add(
        groupOperands(OracleCase.of("groupNormApply", size, loosened), dtype, x, shape)
            .in(DType.F32, Values.normal(mean, 0.3), shape[0], groups)
            .in(DType.F32, Values.normal(1, 0.3), shape[0], groups)
            .out(dtype, shape)
            .loosen(loosened)
            .call(
                (backend, t) ->
                    backend.groupNormApply(
                        new GroupNormInputs(t[0], t[1], t[2], groups, 1e-5, silu),
                        new NormStatistics(t[3], t[4]),
                        t[5])));
    cases.add(
        groupOperands(OracleCase.of("groupNormBackward", size, loosened), dtype, x, shape)
            .in(dtype, Values.normal(0.3, 1), shape)
            .out(dtype, shape)
            .out(dtype, c)
            .out(dtype, c)
            .loosen(loosened * 2)
            .call(
                (backend, t) -> {
                  Tensor y = t[0].like();
                  Tensor m = Tensor.empty(y.device(), DType.F32, Shape.of(shape[0], groups));
                  Tensor rstd = m.like();
                  GroupNormInputs in = new GroupNormInputs(t[0], t[1], t[2], groups, 1e-5, silu);
                  NormStatistics statistics = new NormStatistics(m, rstd);
                  backend.groupNorm(in, y, statistics);
                  backend.groupNormBackward(
                      in, statistics, t[3], new NormGradients(t[4], t[5], t[6]));
                }));
  }

  private static OracleCase groupOperands(OracleCase c, DType dtype, Values x, int... shape) {
    int channels = shape[shape.length - 1];
    return c.in(dtype, x, shape).in(dtype, GAMMA, channels).in(dtype, channels);
  }

  private static OracleCase groupCall(
      OracleCase c, DType dtype, int groups, boolean silu, int... shape) {
    return c.out(dtype, shape)
        .out(DType.F32, shape[0], groups)
        .out(DType.F32, shape[0], groups)
        .call(
            (backend, t) ->
                backend.groupNorm(
                    new GroupNormInputs(t[0], t[1], t[2], groups, 1e-5, silu),
                    t[3],
                    new NormStatistics(t[4], t[5])));
  }

  private static void layer(List<OracleCase> cases, DType dtype, Values x, int... shape) {
    int c = shape[shape.length - 1];
    int rows = (int) (Shape.of(shape).elements() / c);
    double mean = x.next(new Random(1), 0);
    double loosened = Math.abs(mean) > 50 ? 20 : 2;
    String size = dtype + Arrays.toString(shape) + loosened;
    cases.add(
        groupOperands(OracleCase.of("layerNorm", size), dtype, x, shape)
            .out(dtype, shape)
            .out(DType.F32, rows)
            .out(DType.F32, rows)
            .loosen(loosened)
            .call(
                (backend, t) ->
                    backend.layerNorm(
                        new LayerNormInputs(t[0], t[1], t[2], 1e-6),
                        t[3],
                        new NormStatistics(t[4], t[5]))));
    cases.add(
        groupOperands(OracleCase.of("layerNormBackward", size), dtype, x, shape)
            .in(dtype, Values.normal(0.3, 1), shape)
            .out(dtype, shape)
            .out(dtype, c)
            .out(dtype, c)
            .loosen(loosened * 2)
            .call(
                (backend, t) -> {
                  Tensor y = t[0].like();
                  Tensor m = Tensor.empty(y.device(), DType.F32, Shape.of(rows));
                  Tensor rstd = m.like();
                  LayerNormInputs in = new LayerNormInputs(t[0], t[1], t[2], 1e-6);
                  NormStatistics statistics = new NormStatistics(m, rstd);
                  backend.layerNorm(in, y, statistics);
                  backend.layerNormBackward(
                      in, statistics, t[3], new NormGradients(t[4], t[5], t[6]));
                }));
  }
}
