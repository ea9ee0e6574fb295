package nacre.tensor.cpu;

import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.backend.Reduction;

/**
 * Sums over axes. Work is cut into pieces that depend on shapes alone, and partial sums are added
 * in a fixed order, so that results do not depend on the number of threads.
 */
final class Reductions {
  /** Elements of a piece. */
  private static final int PIECE = 16_384;

  private final Team team;

  Reductions(Team team) {
    this.team = team;
  }

  void reduce(Reduction r, Tensor x, Tensor y) {
    // x's axes merged into at most outer (kept), middle (reduced), inner (kept); else one by one.
    int rank = x.shape().rank();
    boolean[] reduced = new boolean[rank];
    for (int axis = 0; axis < rank; axis++) {
      int own = axis - (rank - y.shape().rank());
      reduced[axis] = x.dim(axis) != 1 && (own < 0 || y.dim(own) == 1);
    }
    double scale = r == Reduction.MEAN ? (double) y.elements() / Math.max(1, x.elements()) : 1;
    int first = 0;
    while (first < rank && !reduced[first]) {
      first++;
    }
    int last = rank;
    while (last > first && !reduced[last - 1]) {
      last--;
    }
    boolean oneBlock = true;
    for (int axis = first; axis < last; axis++) {
      oneBlock &= reduced[axis] || x.dim(axis) == 1;
    }
    if (oneBlock) {
      long outer = x.shape().elements(0, first);
      long middle = x.shape().elements(first, last);
      int inner = (int) x.shape().elements(last, rank);
      if (inner == 1) {
        sumRows(x, outer, middle, scale, y);
      } else {
        sumColumns(x, outer, middle, inner, scale, y);
      }
    } else {
      sumScattered(x, reduced, scale, y);
    }
  }

  /** y [outer] = scale · sums of the rows of x [outer, middle]. */
  private void sumRows(Tensor x, long outer, long middle, double scale, Tensor y) {
    long pieces = Math.max(1, (middle + PIECE - 1) / PIECE);
    double[] partial = new double[Math.toIntExact(outer * pieces)];
    team.split(
        outer * pieces,
        x.elements() >= Elementwise.WORTH,
        (from, to) -> {
          float[] t = Scratch.mine().floats(0, PIECE);
          for (long k = from; k < to; k++) {
            long start = k % pieces * PIECE;
            int n = (int) Math.min(PIECE, middle - start);
            Tiles.load(x.address(), x.dtype(), k / pieces * middle + start, t, 0, n);
            partial[(int) k] = VectorMath.sum(t, 0, n);
          }
        });
    float[] out = new float[Math.toIntExact(outer)];
    for (int o = 0; o < outer; o++) {
      double sum = 0;
      for (long p = 0; p < pieces; p++) {
        sum += partial[(int) (o * pieces + p)];
      }
      out[o] = (float) (sum * scale);
    }
    Tiles.store(out, 0, y.address(), y.dtype(), 0, out.length);
  }

  /** y [outer, inner] = scale · column sums of each x [middle, inner]. */
  private void sumColumns(Tensor x, long outer, long middle, int inner, double scale, Tensor y) {
    int rows = (int) Math.max(1, Math.min(middle, PIECE / inner));
    long pieces = Math.max(1, (middle + rows - 1) / rows);
    float[] partial = new float[Math.toIntExact(outer * pieces * inner)];
    team.split(
        outer * pieces,
        x.elements() >= Elementwise.WORTH,
        (from, to) -> {
          float[] t = Scratch.mine().floats(0, rows * inner);
          for (long k = from; k < to; k++) {
            long start = k % pieces * rows;
            int r = (int) Math.min(rows, middle - start);
            long index = (k / pieces * middle + start) * inner;
            Tiles.load(x.address(), x.dtype(), index, t, 0, r * inner);
            VectorMath.foldRows(t, r, inner);
            System.arraycopy(t, 0, partial, (int) k * inner, inner);
          }
        });
    float[] out = new float[Math.toIntExact(outer * inner)];
    double[] sum = new double[inner];
    for (int o = 0; o < outer; o++) {
      java.util.Arrays.fill(sum, 0);
      for (int p = 0; p < pieces; p++) {
        int at = (int) (o * pieces + p) * inner;
        for (int c = 0; c < inner; c++) {
          sum[c] += partial[at + c];
        }
      }
      for (int c = 0; c < inner; c++) {
        out[o * inner + c] = (float) (sum[c] * scale);
      }
    }
    Tiles.store(out, 0, y.address(), y.dtype(), 0, out.length);
  }

  /** The general case, element by element. */
  private void sumScattered(Tensor x, boolean[] reduced, double scale, Tensor y) {
    double[] sum = new double[Math.toIntExact(y.elements())];
    int rank = reduced.length;
    long[] stride = new long[rank];
    long step = 1;
    for (int axis = rank - 1; axis >= 0; axis--) {
      if (!reduced[axis]) {
        stride[axis] = step;
        step *= x.dim(axis);
      }
    }
    int[] index = new int[rank];
    float[] t = Scratch.mine().floats(0, Scratch.TILE);
    for (long i = 0; i < x.elements(); i++) {
      int within = (int) (i % Scratch.TILE);
      if (within == 0) {
        int n = (int) Math.min(Scratch.TILE, x.elements() - i);
        Tiles.load(x.address(), x.dtype(), i, t, 0, n);
      }
      long at = 0;
      for (int axis = 0; axis < rank; axis++) {
        at += index[axis] * stride[axis];
      }
      sum[(int) at] += t[within];
      for (int axis = rank - 1; axis >= 0 && ++index[axis] == x.dim(axis); axis--) {
        index[axis] = 0;
      }
    }
    float[] out = new float[sum.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) (sum[i] * scale);
    }
    Tiles.store(out, 0, y.address(), y.dtype(), 0, out.length);
  }

  private interface PieceSum {
    double of(long start, int n);
  }

  private double sumPieces(long elements, PieceSum body) {
    int pieces = Math.toIntExact((elements + PIECE - 1) / PIECE);
    double[] partial = new double[pieces];
    team.split(
        pieces,
        elements >= Elementwise.WORTH,
        (from, to) -> {
          for (long k = from; k < to; k++) {
            partial[(int) k] = body.of(k * PIECE, (int) Math.min(PIECE, elements - k * PIECE));
          }
        });
    double sum = 0;
    for (double p : partial) {
      sum += p;
    }
    return sum;
  }

  void meanSquaredError(Tensor a, Tensor b, Tensor y) {
    double sum =
        sumPieces(
            a.elements(),
            (start, n) -> {
              float[] t = difference(a, b, start, n);
              return VectorMath.dot(t, 0, t, 0, n);
            });
    store(sum / a.elements(), y);
  }

  private static float[] difference(Tensor a, Tensor b, long start, int n) {
    float[] ta = Scratch.mine().floats(0, n);
    float[] tb = Scratch.mine().floats(1, n);
    Tiles.load(a.address(), a.dtype(), start, ta, 0, n);
    Tiles.load(b.address(), b.dtype(), start, tb, 0, n);
    for (int i = 0; i < n; i++) {
      ta[i] -= tb[i];
    }
    return ta;
  }

  void meanSquaredErrorBackward(Tensor a, Tensor b, Tensor dy, Tensor da) {
    float[] scale = new float[1];
    Tiles.load(dy.address(), dy.dtype(), 0, scale, 0, 1);
    float k = (float) (2.0 * scale[0] / a.elements());
    team.split(
        a.elements(),
        a.elements() >= Elementwise.WORTH,
        (from, to) -> {
          for (long i = from; i < to; i += Scratch.TILE) {
            int n = (int) Math.min(Scratch.TILE, to - i);
            float[] t = difference(a, b, i, n);
            for (int j = 0; j < n; j++) {
              t[j] *= k;
            }
            Tiles.store(t, 0, da.address(), da.dtype(), i, n);
          }
        });
  }

  void sumOfSquares(List<Tensor> tensors, Tensor y) {
    double[] sums = new double[tensors.size()];
    // One tensor after the other when they are large, many at a time when they are small.
    team.split(
        sums.length,
        sums.length > 8,
        (from, to) -> {
          for (int k = (int) from; k < to; k++) {
            Tensor x = tensors.get(k);
            double sum = 0;
            for (long i = 0; i < x.elements(); i += Scratch.TILE) {
              int n = (int) Math.min(Scratch.TILE, x.elements() - i);
              float[] t = Scratch.mine().floats(0, n);
              Tiles.load(x.address(), x.dtype(), i, t, 0, n);
              sum += VectorMath.dot(t, 0, t, 0, n);
            }
            sums[k] = sum;
          }
        });
    double sum = 0;
    for (double s : sums) {
      sum += s;
    }
    store(sum, y);
  }

  private static void store(double value, Tensor y) {
    Tiles.store(new float[] {(float) value}, 0, y.address(), DType.F32, 0, 1);
  }
}
