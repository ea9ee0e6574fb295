package nacre.tensor.cpu;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.Worth;
import nacre.tensor.spi.LayerNormInputs;
import nacre.tensor.spi.NormGradients;
import nacre.tensor.spi.NormStatistics;

/** Layer normalization and softmax: each row of the last axis by itself. */
final class RowNormKernels {
  private final Team team;

  RowNormKernels(Team team) {
    this.team = team;
  }

  private interface Rows {
    void run(long row, int rows);
  }

  /** Calls the body for blocks of rows that fill a tile. */
  private void blocks(long rows, int columns, Rows body) {
    int block = Math.max(1, Scratch.TILE / Math.max(1, columns));
    long count = (rows + block - 1) / block;
    team.split(
        count,
        Worth.functions(rows * columns),
        (from, to) -> {
          for (long k = from; k < to; k++) {
            body.run(k * block, (int) Math.min(block, rows - k * block));
          }
        });
  }

  private static long rows(Tensor x) {
    return x.dim(-1) == 0 ? 0 : x.elements() / x.dim(-1);
  }

  void layerNorm(LayerNormInputs in, Tensor y, NormStatistics statistics) {
    Tensor x = in.x();
    Tensor gamma = in.gamma();
    Tensor beta = in.beta();
    int c = x.dim(-1);
    blocks(
        rows(x),
        c,
        (row, rows) -> {
          Scratch s = Scratch.mine();
          float[] t = s.floats(0, rows * c);
          float[] g = s.floats(1, c);
          float[] b = s.floats(2, c);
          float[] m = s.floats(3, rows);
          float[] r = s.floats(4, rows);
          Tiles.load(gamma.address(), gamma.dtype(), 0, g, 0, c);
          Tiles.load(beta.address(), beta.dtype(), 0, b, 0, c);
          Tiles.load(x.address(), x.dtype(), row * c, t, 0, rows * c);
          for (int i = 0; i < rows; i++) {
            int at = i * c;
            float mu = VectorMath.sum(t, at, c) / c;
            subtract(t, at, c, mu);
            float variance = VectorMath.dot(t, at, t, at, c) / c;
            float scale = (float) (1 / Math.sqrt(variance + in.eps()));
            m[i] = mu;
            r[i] = scale;
            for (int j = 0; j < c; j++) {
              t[at + j] = t[at + j] * scale * g[j] + b[j];
            }
          }
          Tiles.store(t, 0, y.address(), y.dtype(), row * c, rows * c);
          Tiles.store(m, 0, statistics.mean().address(), DType.F32, row, rows);
          Tiles.store(r, 0, statistics.rstd().address(), DType.F32, row, rows);
        });
  }

  private static void subtract(float[] t, int at, int n, float value) {
    for (int j = at; j < at + n; j++) {
      t[j] -= value;
    }
  }

  /** rstd = 1 / √(variance + eps), f32. */
  void inverseRoot(Tensor variance, double eps, Tensor rstd) {
    perRow(variance, rstd, v -> (float) (1 / Math.sqrt(v + eps)));
  }

  /** y = 1 / rstd², f32. */
  void inverseSquare(Tensor rstd, Tensor y) {
    perRow(rstd, y, r -> 1f / (r * r));
  }

  private interface Statistic {
    float of(float x);
  }

  private static void perRow(Tensor x, Tensor y, Statistic f) {
    float[] t = Scratch.mine().floats(0, Math.toIntExact(x.elements()));
    int n = (int) x.elements();
    Tiles.load(x.address(), DType.F32, 0, t, 0, n);
    for (int i = 0; i < n; i++) {
      t[i] = f.of(t[i]);
    }
    Tiles.store(t, 0, y.address(), DType.F32, 0, n);
  }

  /** Rows whose parameter gradients are summed together; fixes the order of the sum. */
  private static final int PIECE_ROWS = 512;

  void layerNormBackward(
      LayerNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out) {
    Tensor x = in.x();
    Tensor dgamma = out.dgamma();
    Tensor dbeta = out.dbeta();
    int c = x.dim(-1);
    long rows = rows(x);
    int pieces = Math.toIntExact((rows + PIECE_ROWS - 1) / PIECE_ROWS);
    float[] sums = new float[pieces * 2 * c];
    team.split(
        pieces,
        Worth.functions(x.elements()),
        (from, to) -> {
          for (int p = (int) from; p < to; p++) {
            long row = (long) p * PIECE_ROWS;
            int count = (int) Math.min(PIECE_ROWS, rows - row);
            layerNormBackward(in, statistics, dy, out.dx(), row, count, sums, p * 2 * c);
          }
        });
    float[] both = new float[2 * c];
    for (int p = 0; p < pieces; p++) {
      for (int i = 0; i < 2 * c; i++) {
        both[i] += sums[p * 2 * c + i];
      }
    }
    Tiles.store(both, 0, dgamma.address(), dgamma.dtype(), 0, c);
    Tiles.store(both, c, dbeta.address(), dbeta.dtype(), 0, c);
  }

  private static void layerNormBackward(
      LayerNormInputs in,
      NormStatistics statistics,
      Tensor dy,
      Tensor dx,
      long firstRow,
      int count,
      float[] sums,
      int sumsAt) {
    Tensor x = in.x();
    Tensor gamma = in.gamma();
    int c = x.dim(-1);
    Scratch s = Scratch.mine();
    int block = Math.max(1, Math.min(count, Scratch.TILE / c));
    float[] t = s.floats(0, block * c);
    float[] d = s.floats(1, block * c);
    float[] g = s.floats(2, c);
    float[] dg = s.floats(3, c);
    float[] db = s.floats(4, c);
    float[] m = s.floats(5, block);
    float[] r = s.floats(6, block);
    Tiles.load(gamma.address(), gamma.dtype(), 0, g, 0, c);
    Arrays.fill(dg, 0, c, 0);
    Arrays.fill(db, 0, c, 0);
    for (int done = 0; done < count; done += block) {
      int rows = Math.min(block, count - done);
      long row = firstRow + done;
      Tiles.load(x.address(), x.dtype(), row * c, t, 0, rows * c);
      Tiles.load(dy.address(), dy.dtype(), row * c, d, 0, rows * c);
      Tiles.load(statistics.mean().address(), DType.F32, row, m, 0, rows);
      Tiles.load(statistics.rstd().address(), DType.F32, row, r, 0, rows);
      for (int i = 0; i < rows; i++) {
        int at = i * c;
        float mu = m[i];
        float scale = r[i];
        for (int j = 0; j < c; j++) {
          float hat = (t[at + j] - mu) * scale;
          float v = d[at + j];
          dg[j] += v * hat;
          db[j] += v;
          t[at + j] = hat;
          d[at + j] = v * g[j];
        }
        float a = VectorMath.sum(d, at, c) / c;
        float b = VectorMath.dot(d, at, t, at, c) / c;
        for (int j = at; j < at + c; j++) {
          d[j] = scale * (d[j] - a - t[j] * b);
        }
      }
      Tiles.store(d, 0, dx.address(), dx.dtype(), row * c, rows * c);
    }
    System.arraycopy(dg, 0, sums, sumsAt, c);
    System.arraycopy(db, 0, sums, sumsAt + c, c);
  }

  void softmax(Tensor x, Tensor y) {
    int c = x.dim(-1);
    blocks(
        rows(x),
        c,
        (row, rows) -> {
          float[] t = Scratch.mine().floats(0, rows * c);
          Tiles.load(x.address(), x.dtype(), row * c, t, 0, rows * c);
          softmaxRows(t, rows, c);
          Tiles.store(t, 0, y.address(), y.dtype(), row * c, rows * c);
        });
  }

  /** Softmax of each row of t [rows, c], in place. */
  static void softmaxRows(float[] t, int rows, int c) {
    for (int i = 0; i < rows; i++) {
      subtract(t, i * c, c, VectorMath.max(t, i * c, c));
    }
    VectorMath.exp(t, t, rows * c);
    for (int i = 0; i < rows; i++) {
      float k = 1f / VectorMath.sum(t, i * c, c);
      for (int j = i * c; j < (i + 1) * c; j++) {
        t[j] *= k;
      }
    }
  }

  void softmaxBackward(Tensor y, Tensor dy, Tensor dx) {
    int c = y.dim(-1);
    blocks(
        rows(y),
        c,
        (row, rows) -> {
          Scratch s = Scratch.mine();
          float[] p = s.floats(0, rows * c);
          float[] d = s.floats(1, rows * c);
          Tiles.load(y.address(), y.dtype(), row * c, p, 0, rows * c);
          Tiles.load(dy.address(), dy.dtype(), row * c, d, 0, rows * c);
          for (int i = 0; i < rows; i++) {
            int at = i * c;
            float sum = VectorMath.dot(p, at, d, at, c);
            for (int j = at; j < at + c; j++) {
              d[j] = p[j] * (d[j] - sum);
            }
          }
          Tiles.store(d, 0, dx.address(), dx.dtype(), row * c, rows * c);
        });
  }
}
