package nacre.tensor.oracle;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import nacre.tensor.DType;
import nacre.tensor.spi.Unary;

/** Matrix products in all four transpositions, batched, shared, with bias and activation. */
final class MatrixCases {
  private static final int[] NONE = {};
  private static final int[] BATCH = {3};
  private static final int[] BATCH_HEADS = {2, 3};

  private MatrixCases() {}

  static void addTo(List<OracleCase> cases) {
    for (DType dtype : ElementwiseCases.FLOATING) {
      for (int t = 0; t < 4; t++) {
        boolean ta = (t & 1) != 0;
        boolean tb = (t & 2) != 0;
        for (int[] mkn : new int[][] {{1, 1, 1}, {1, 9, 5}, {7, 1, 3}, {6, 17, 1}, {33, 20, 19}}) {
          add(cases, dtype, NONE, false, mkn, ta, tb, false, null);
          add(cases, dtype, NONE, false, mkn, ta, tb, true, null);
          add(cases, dtype, BATCH, false, mkn, ta, tb, false, null);
          add(cases, dtype, BATCH_HEADS, true, mkn, ta, tb, true, Unary.SILU);
        }
        add(cases, dtype, BATCH_HEADS, false, new int[] {17, 40, 33}, ta, tb, false, null);
        add(cases, dtype, NONE, false, new int[] {129, 255, 130}, ta, tb, true, null);
      }
      for (Unary f : Unary.values()) {
        if (f != Unary.SQRT && f != Unary.LOG) {
          add(cases, dtype, BATCH, true, new int[] {5, 8, 13}, false, true, true, f);
          add(cases, dtype, NONE, false, new int[] {5, 8, 13}, false, true, false, f);
        }
      }
      for (int[] rows : new int[][] {{1}, {7}, {2, 5}, {3, 4, 11}}) {
        weightGradient(cases, dtype, rows, 7, 3);
        weightGradient(cases, dtype, rows, 1, 5);
        weightGradient(cases, dtype, rows, 33, 1);
      }
      weightGradient(cases, dtype, new int[] {130}, 65, 97);
      for (int[] rows : new int[][] {NONE, {7}, {2, 5}, {3, 4, 11}}) {
        for (int of = 0; of < 4; of++) {
          linear(cases, dtype, rows, 9, 6, (of & 1) != 0, (of & 2) != 0, null);
        }
        linear(cases, dtype, rows, 33, 21, true, true, Unary.GELU);
        linear(cases, dtype, rows, 5, 3, true, true, Unary.QUICK_GELU);
        linears(cases, dtype, rows, 3, 24, 16);
        linears(cases, dtype, rows, 2, 5, 7);
        linearGeglu(cases, dtype, rows, 20, 7, true);
        linearGeglu(cases, dtype, rows, 3, 1, false);
      }
      linear(cases, dtype, new int[] {130}, 65, 97, true, true, null);
      linearGeglu(cases, dtype, new int[] {130}, 65, 97, true);
      for (int[] rows : new int[][] {{1}, {2, 65}, {3, 1, 5}}) {
        for (int in : new int[] {8, 40, 136}) {
          linearGeglu(cases, dtype, rows, in, 8, true);
          linearGeglu(cases, dtype, rows, in, 72, false);
        }
      }
      linearGeglu(cases, dtype, new int[] {257}, 96, 136, true);
    }
  }

  private static void linears(
      List<OracleCase> cases, DType dtype, int[] rows, int count, int in, int out) {
    cases.add(
        OracleCase.of("linears", dtype, Arrays.toString(rows), count, in, out)
            .in(dtype, join(rows, new int[] {in}))
            .in(dtype, count, out, in)
            .out(dtype, join(new int[] {count}, join(rows, new int[] {out})))
            .call((backend, t) -> backend.linears(t[0], t[1], t[2])));
  }

  private static void add(
      List<OracleCase> cases,
      DType dtype,
      int[] leading,
      boolean sharedB,
      int[] mkn,
      boolean ta,
      boolean tb,
      boolean bias,
      Unary f) {
    int m = mkn[0];
    int k = mkn[1];
    int n = mkn[2];
    int[] a = join(leading, ta ? new int[] {k, m} : new int[] {m, k});
    int[] b = join(sharedB ? NONE : leading, tb ? new int[] {n, k} : new int[] {k, n});
    OracleCase c =
        OracleCase.of(
                "matmul",
                dtype,
                Arrays.toString(a) + (ta ? "ᵀ" : ""),
                Arrays.toString(b) + (tb ? "ᵀ" : ""),
                bias ? "bias" : "",
                f == null ? "" : f)
            .in(dtype, Values.normal(0, 1 / Math.sqrt(k)), a)
            .in(dtype, b);
    if (bias) {
      c.in(dtype, n);
    }
    int y = bias ? 3 : 2;
    c.out(dtype, join(leading, new int[] {m, n}))
        .call((backend, t) -> backend.matmul(t[0], ta, t[1], tb, bias ? t[2] : null, f, t[y]));
    cases.add(c);
  }

  private static void linear(
      List<OracleCase> cases,
      DType dtype,
      int[] rows,
      int in,
      int out,
      boolean bias,
      boolean residual,
      Unary f) {
    int[] x = join(rows, new int[] {in});
    String label = Arrays.toString(x) + " to " + out;
    OracleCase c =
        OracleCase.of("linear", dtype, label, bias ? "bias" : "", residual ? "residual" : "", f)
            .in(dtype, Values.normal(0, 1 / Math.sqrt(in)), x)
            .in(dtype, out, in);
    if (bias) {
      c.in(dtype, out);
    }
    int atResidual = bias ? 3 : 2;
    int[] y = join(rows, new int[] {out});
    if (residual) {
      c.in(dtype, y);
    }
    int at = atResidual + (residual ? 1 : 0);
    c.out(dtype, y)
        .call(
            (backend, t) ->
                backend.linear(
                    t[0], t[1], bias ? t[2] : null, f, residual ? t[atResidual] : null, t[at]));
    cases.add(c);
  }

  private static void linearGeglu(
      List<OracleCase> cases, DType dtype, int[] rows, int in, int out, boolean bias) {
    int[] x = join(rows, new int[] {in});
    OracleCase c =
        OracleCase.of("linearGeglu", dtype, Arrays.toString(x) + " to " + out, bias ? "bias" : "")
            .in(dtype, Values.uniform(0.2, 1), x)
            .in(dtype, Values.uniform(-0.2, 0.6), 2 * out, in);
    if (bias) {
      c.in(dtype, 2 * out);
    }
    c.out(dtype, join(rows, new int[] {out}))
        .call((backend, t) -> backend.linearGeglu(t[0], t[1], bias ? t[2] : null, t[bias ? 3 : 2]));
    cases.add(c);
  }

  private static void weightGradient(
      List<OracleCase> cases, DType dtype, int[] rows, int in, int out) {
    int[] x = join(rows, new int[] {in});
    int[] dy = join(rows, new int[] {out});
    cases.add(
        OracleCase.of("linearWeightGradient", dtype, Arrays.toString(x), Arrays.toString(dy))
            .in(dtype, x)
            .in(dtype, Values.normal(0.5, 1), dy)
            .out(dtype, out, in)
            .out(dtype, out)
            .call((backend, t) -> backend.linearWeightGradient(t[0], t[1], t[2], t[3])));
    cases.add(
        OracleCase.of(
                "linearWeightGradient", dtype, Arrays.toString(x), Arrays.toString(dy), "no bias")
            .in(dtype, x)
            .in(dtype, dy)
            .out(dtype, out, in)
            .call((backend, t) -> backend.linearWeightGradient(t[0], t[1], t[2], null)));
  }

  private static int[] join(int[] a, int[] b) {
    return IntStream.concat(Arrays.stream(a), Arrays.stream(b)).toArray();
  }
}
