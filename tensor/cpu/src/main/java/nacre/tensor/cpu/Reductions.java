package nacre.tensor.cpu;

import java.util.Arrays;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.Worth;
import nacre.tensor.spi.Reduction;

/**
 * Sums over axes. Work is cut into pieces that depend on shapes alone, and partial sums are added
 * in a fixed order, so that results do not depend on the number of threads.
 */
final class Reductions {
  /** Elements of a piece. */
  private static final int PIECE = 16_384;

  /** Running sums of squares side by side: they and what is added stay in the first-level cache. */
  private static final int LANES = 512;

  private final Team team;
  private final Elementwise elementwise;
  private final Maxima maxima;

  Reductions(Team team, Elementwise elementwise) {
    this.team = team;
    this.elementwise = elementwise;
    this.maxima = new Maxima(team);
  }

  void reduce(Reduction r, Tensor x, Tensor y) {
    if (x.elements() == 0) {
      elementwise.fill(
          y,
          switch (r) {
            case SUM -> 0;
            case MEAN -> Double.NaN;
            case MAX -> Double.NEGATIVE_INFINITY;
          });
      return;
    }
    if (r == Reduction.MAX) {
      maxima.reduce(x, y);
      return;
    }
    double scale = r == Reduction.MEAN ? (double) y.elements() / x.elements() : 1;
    try (Scope _ = Scope.open()) {
      reduce(x, scale, y);
    }
  }

  /**
   * y = scale · sums of x. The last block of neighboring reduced axes goes first; where others
   * stand before it, the sums wait in f32 for the next round.
   */
  private void reduce(Tensor x, double scale, Tensor y) {
    Round round = Round.of(x, y);
    boolean more = round.more();
    long outer = round.outer();
    long middle = round.middle();
    long inner = round.inner();
    Tensor sums = more ? Tensor.empty(x.device(), DType.F32, round.left()) : y;
    double factor = more ? 1 : scale;
    if (inner == 1 && middle > PIECE) {
      sumLongRows(x, outer, middle, factor, sums);
    } else if (inner == 1) {
      sumShortRows(x, outer, (int) middle, factor, sums);
    } else if (inner > Scratch.TILE) {
      sumLongColumns(x, outer, middle, inner, factor, sums);
    } else {
      sumColumns(x, outer, middle, (int) inner, factor, sums);
    }
    if (more) {
      reduce(sums, scale, y);
    }
  }

  /** y [outer] = scale · sums of the rows of x [outer, middle], each cut into pieces. */
  private void sumLongRows(Tensor x, long outer, long middle, double scale, Tensor y) {
    long pieces = (middle + PIECE - 1) / PIECE;
    double[] partial = new double[Math.toIntExact(outer * pieces)];
    team.split(
        partial.length,
        Worth.arithmetic(x.elements()),
        (from, to) -> {
          float[] t = Scratch.mine().floats(0, PIECE);
          for (long k = from; k < to; k++) {
            long start = k % pieces * PIECE;
            int n = (int) Math.min(PIECE, middle - start);
            Tiles.load(x.address(), x.dtype(), k / pieces * middle + start, t, 0, n);
            partial[(int) k] = VectorMath.sum(t, 0, n);
          }
        });
    float[] sum = new float[1];
    for (long o = 0; o < outer; o++) {
      double s = 0;
      for (long p = 0; p < pieces; p++) {
        s += partial[(int) (o * pieces + p)];
      }
      sum[0] = (float) (s * scale);
      Tiles.store(sum, 0, y.address(), y.dtype(), o, 1);
    }
  }

  /** The same for rows of which one piece holds many. */
  private void sumShortRows(Tensor x, long outer, int middle, double scale, Tensor y) {
    int block = Math.max(1, PIECE / middle);
    team.split(
        (outer + block - 1) / block,
        Worth.arithmetic(x.elements()),
        (from, to) -> {
          float[] t = Scratch.mine().floats(0, block * middle);
          float[] sum = Scratch.mine().floats(1, block);
          for (long k = from; k < to; k++) {
            int rows = (int) Math.min(block, outer - k * block);
            Tiles.load(x.address(), x.dtype(), k * block * middle, t, 0, rows * middle);
            for (int i = 0; i < rows; i++) {
              sum[i] = (float) (VectorMath.sum(t, i * middle, middle) * scale);
            }
            Tiles.store(sum, 0, y.address(), y.dtype(), k * block, rows);
          }
        });
  }

  /** y [outer, inner] = scale · column sums of each x [middle, inner], in pieces of whole rows. */
  private void sumColumns(Tensor x, long outer, long middle, int inner, double scale, Tensor y) {
    int rows = (int) Math.min(middle, PIECE / inner);
    long pieces = (middle + rows - 1) / rows;
    float[] partial = new float[Math.toIntExact(outer * pieces * inner)];
    team.split(
        outer * pieces,
        Worth.arithmetic(x.elements()),
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
    double[] sum = new double[inner];
    float[] out = new float[inner];
    for (long o = 0; o < outer; o++) {
      Arrays.fill(sum, 0);
      for (long p = 0; p < pieces; p++) {
        int at = (int) (o * pieces + p) * inner;
        for (int c = 0; c < inner; c++) {
          sum[c] += partial[at + c];
        }
      }
      for (int c = 0; c < inner; c++) {
        out[c] = (float) (sum[c] * scale);
      }
      Tiles.store(out, 0, y.address(), y.dtype(), o * inner, inner);
    }
  }

  /** The same where a row is longer than a tile: tiles of columns, each from top to bottom. */
  private void sumLongColumns(
      Tensor x, long outer, long middle, long inner, double scale, Tensor y) {
    long tiles = (inner + Scratch.TILE - 1) / Scratch.TILE;
    team.split(
        outer * tiles,
        Worth.arithmetic(x.elements()),
        (from, to) -> {
          float[] t = Scratch.mine().floats(0, Scratch.TILE);
          double[] sum = new double[Scratch.TILE];
          for (long k = from; k < to; k++) {
            long o = k / tiles;
            long column = k % tiles * Scratch.TILE;
            int n = (int) Math.min(Scratch.TILE, inner - column);
            Arrays.fill(sum, 0);
            for (long row = o * middle; row < (o + 1) * middle; row++) {
              Tiles.load(x.address(), x.dtype(), row * inner + column, t, 0, n);
              for (int c = 0; c < n; c++) {
                sum[c] += t[c];
              }
            }
            for (int c = 0; c < n; c++) {
              t[c] = (float) (sum[c] * scale);
            }
            Tiles.store(t, 0, y.address(), y.dtype(), o * inner + column, n);
          }
        });
  }

  private interface PieceSum {
    double of(long start, int n);
  }

  private double sumPieces(long elements, PieceSum body) {
    int pieces = Math.toIntExact((elements + PIECE - 1) / PIECE);
    double[] partial = new double[pieces];
    team.split(
        pieces,
        Worth.arithmetic(elements),
        (from, to) -> {
          for (long k = from; k < to; k++) {
            partial[(int) k] = body.of(k * PIECE, (int) Math.min(PIECE, elements - k * PIECE));
          }
        });
    return total(partial);
  }

  private static double total(double[] partial) {
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
        Worth.arithmetic(a.elements()),
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
    // Pieces of all tensors laid end to end: one large tensor is shared out as well as many small.
    int[] firstPiece = new int[tensors.size() + 1];
    long elements = 0;
    for (int k = 0; k < tensors.size(); k++) {
      long n = tensors.get(k).elements();
      firstPiece[k + 1] = Math.toIntExact(firstPiece[k] + (n + PIECE - 1) / PIECE);
      elements += n;
    }
    double[] partial = new double[firstPiece[tensors.size()]];
    team.split(
        partial.length,
        Worth.arithmetic(elements),
        (from, to) -> {
          float[] t = Scratch.mine().floats(0, LANES);
          float[] lanes = Scratch.mine().floats(1, LANES);
          int k = 0;
          for (int p = (int) from; p < to; p++) {
            while (p >= firstPiece[k + 1]) {
              k++;
            }
            Tensor x = tensors.get(k);
            long start = (long) (p - firstPiece[k]) * PIECE;
            int n = (int) Math.min(PIECE, x.elements() - start);
            Arrays.fill(lanes, 0, LANES, 0);
            for (int i = 0; i < n; i += LANES) {
              int m = Math.min(LANES, n - i);
              Tiles.load(x.address(), x.dtype(), start + i, t, 0, m);
              VectorMath.addSquares(t, lanes, m);
            }
            partial[p] = VectorMath.sum(lanes, 0, LANES);
          }
        });
    store(total(partial), y);
  }

  private static void store(double value, Tensor y) {
    Tiles.store(new float[] {(float) value}, 0, y.address(), DType.F32, 0, 1);
  }
}
