package nacre.tensor.oracle;

import java.util.Arrays;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.AttentionGradients;
import nacre.tensor.spi.AttentionInputs;
import nacre.tensor.spi.Backend;

/** Attention over lengths, heads and widths, and softmax. */
final class AttentionCases {
  private record Size(int n, int t, int s, int heads, int d, boolean causal, double scale) {}

  private static final Size[] SIZES = {
    new Size(1, 1, 1, 1, 1, false, 1),
    new Size(2, 5, 7, 3, 4, false, 0.5),
    new Size(2, 7, 7, 2, 8, true, 0.35),
    new Size(1, 4, 9, 2, 8, true, 0.35),
    new Size(1, 9, 4, 2, 8, true, 0.35),
    new Size(1, 3, 96, 5, 16, false, 0.25),
    new Size(2, 33, 17, 2, 40, false, 0.158),
    new Size(1, 21, 21, 2, 64, false, 0.125), // as many keys as queries, one entry
    new Size(1, 6, 6, 1, 16, false, 0.25),
    new Size(1, 77, 77, 2, 64, true, 0.125),
    new Size(1, 130, 65, 1, 64, false, 0.125),
    new Size(1, 64, 4, 2, 80, false, 0.11),
    new Size(1, 12, 11, 1, 160, false, 3), // sharp: a naive exponential would overflow
    new Size(1, 19, 21, 1, 512, false, 0.044),
    new Size(5, 300, 6, 3, 8, false, 0.35), // few keys, many heads
    new Size(1, 610, 450, 3, 8, false, 0.35), // more than one block of queries
    new Size(1, 610, 450, 1, 8, true, 0.35),
  };

  private AttentionCases() {}

  static void addTo(List<OracleCase> cases) {
    cases.add(
        OracleCase.of("attentionState")
            .call(
                (backend, _) ->
                    backend.attentionState(Shape.of(2, 5, 3, 4), Shape.of(2, 7, 3, 4)).elements()));
    for (DType dtype : ElementwiseCases.FLOATING) {
      for (Size s : SIZES) {
        attention(cases, dtype, s, false);
        attention(cases, dtype, s, true);
        backward(cases, dtype, s);
      }
      for (int[] shape : new int[][] {{1}, {5, 1}, {3, 17}, {2, 3, 4, 65}, {7, 1000}, {2, 4096}}) {
        for (double spread : new double[] {1, 30}) {
          cases.add(
              OracleCase.of("softmax", dtype, Arrays.toString(shape), spread)
                  .in(dtype, Values.normal(0, spread), shape)
                  .out(dtype, shape)
                  .call((backend, t) -> backend.softmax(t[0], t[1])));
        }
        cases.add(
            OracleCase.of("softmaxBackward", dtype, Arrays.toString(shape))
                .in(dtype, Values.uniform(0, 2.0 / (shape[shape.length - 1] + 1)), shape)
                .in(dtype, shape)
                .out(dtype, shape)
                .call((backend, t) -> backend.softmaxBackward(t[0], t[1], t[2])));
      }
    }
  }

  private static void attention(List<OracleCase> cases, DType dtype, Size s, boolean withState) {
    cases.add(
        operands(OracleCase.of("attention", dtype, s, withState ? "with state" : ""), dtype, s)
            .out(dtype, s.n, s.t, s.heads, s.d)
            .loosen(2)
            .call(
                (backend, t) ->
                    backend.attention(
                        inputs(t, s), t[3], withState ? state(backend, t[0], t[1]) : null)));
  }

  private static void backward(List<OracleCase> cases, DType dtype, Size s) {
    // The gradients of q and k are differences that cancel, of softmaxes that are nearly one-hot.
    cases.add(
        operands(OracleCase.of("attentionBackward", dtype, s), dtype, s)
            .in(dtype, s.n, s.t, s.heads, s.d)
            .out(dtype, s.n, s.t, s.heads, s.d)
            .out(dtype, s.n, s.s, s.heads, s.d)
            .out(dtype, s.n, s.s, s.heads, s.d)
            .loosen(4)
            .call(
                (backend, t) -> {
                  Tensor y = t[0].like();
                  Tensor state = state(backend, t[0], t[1]);
                  AttentionInputs in = inputs(t, s);
                  backend.attention(in, y, state);
                  backend.attentionBackward(
                      in, y, t[3], state, new AttentionGradients(t[4], t[5], t[6]));
                }));
  }

  private static OracleCase operands(OracleCase c, DType dtype, Size s) {
    return c.in(dtype, s.n, s.t, s.heads, s.d)
        .in(dtype, s.n, s.s, s.heads, s.d)
        .in(dtype, s.n, s.s, s.heads, s.d);
  }

  private static AttentionInputs inputs(Tensor[] t, Size s) {
    return new AttentionInputs(t[0], t[1], t[2], s.scale, s.causal);
  }

  private static Tensor state(Backend backend, Tensor q, Tensor k) {
    return Tensor.empty(q.device(), DType.F32, backend.attentionState(q.shape(), k.shape()));
  }
}
