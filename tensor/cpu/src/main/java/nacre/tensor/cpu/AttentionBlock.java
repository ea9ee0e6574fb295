package nacre.tensor.cpu;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.cpu.engine.HeadEngine;
import nacre.tensor.cpu.engine.HeadMatrix;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.AttentionInputs;

/**
 * A block of attention: the scores of some queries, or of some heads, and what becomes of them. It
 * lends its memory to one block after another.
 */
final class AttentionBlock implements AutoCloseable {
  /** So few keys lie before the queries: then a softmax runs along many queries at a time. */
  private static final int FEW_KEYS = 32;

  private final HeadEngine engine;
  private final DType dtype;
  private final double scale;
  private final boolean causal;
  private final boolean keysFirst;
  private final Buffer wide;
  private final Buffer narrow;
  private final Buffer slopes;

  AttentionBlock(
      Allocator allocator, HeadEngine engine, long scores, AttentionInputs in, boolean backward) {
    this.engine = engine;
    dtype = in.q().dtype();
    scale = in.scale();
    causal = in.causal();
    keysFirst = !causal && in.k().dim(1) <= FEW_KEYS;
    wide = new Buffer(allocator, scores * 4);
    narrow = new Buffer(allocator, dtype == DType.F32 ? 0 : scores * dtype.bytes());
    slopes = new Buffer(allocator, backward ? scores * 4 : 0);
  }

  /** softmax(scale · q · k) in the operands' type, of queries from {@code row} on. */
  HeadMatrix probabilities(HeadMatrix q, HeadMatrix k, int row) {
    HeadMatrix scores = scores(q, k, row);
    HeadMatrix p = narrow(scores);
    engine.softmax(scores, p);
    return p;
  }

  /** The same in f32. */
  HeadMatrix wideProbabilities(HeadMatrix q, HeadMatrix k, int row) {
    HeadMatrix scores = scores(q, k, row);
    engine.softmax(scores, scores);
    return scores;
  }

  private HeadMatrix scores(HeadMatrix q, HeadMatrix k, int row) {
    HeadMatrix scores = product(q, k, scale, wide.address);
    if (causal) {
      mask(scores, row);
    }
    return scores;
  }

  /** ds = p · (dp − Σ p · dp), where what belongs to one key lies together. */
  private static void softmaxBackward(HeadMatrix p, HeadMatrix dp, HeadMatrix ds) {
    long rows = p.perColumn();
    Scratch s = Scratch.mine();
    float[] tp = s.floats(0, Scratch.TILE);
    float[] td = s.floats(1, Scratch.TILE);
    float[] sum = s.floats(2, Scratch.TILE);
    for (long row = 0; row < rows; row += Scratch.TILE) {
      int n = (int) Math.min(Scratch.TILE, rows - row);
      Arrays.fill(sum, 0, n, 0);
      for (int j = 0; j < p.columns(); j++) {
        Tiles.load(p.address(), DType.F32, j * rows + row, tp, 0, n);
        Tiles.load(dp.address(), DType.F32, j * rows + row, td, 0, n);
        for (int i = 0; i < n; i++) {
          sum[i] += tp[i] * td[i];
        }
      }
      for (int j = 0; j < p.columns(); j++) {
        Tiles.load(p.address(), DType.F32, j * rows + row, tp, 0, n);
        Tiles.load(dp.address(), DType.F32, j * rows + row, td, 0, n);
        for (int i = 0; i < n; i++) {
          td[i] = tp[i] * (td[i] - sum[i]);
        }
        Tiles.store(td, 0, ds.address(), ds.dtype(), j * rows + row, n);
      }
    }
  }

  /** f32 probabilities rounded to the operands' type. */
  HeadMatrix rounded(HeadMatrix p) {
    HeadMatrix y = narrow(p);
    if (y != p) {
      float[] t = Scratch.mine().floats(0, Scratch.TILE);
      long n = (long) p.n() * p.heads() * p.rows() * p.columns();
      for (long i = 0; i < n; i += Scratch.TILE) {
        int m = (int) Math.min(Scratch.TILE, n - i);
        Tiles.load(p.address(), DType.F32, i, t, 0, m);
        Tiles.store(t, 0, y.address(), dtype, i, m);
      }
    }
    return y;
  }

  /** The gradient of the scores, unscaled, from f32 probabilities and dy · v. */
  HeadMatrix slopes(HeadMatrix p, HeadMatrix dy, HeadMatrix v) {
    HeadMatrix dp = product(dy, v, 1, slopes.address);
    HeadMatrix ds = narrow(dp);
    if (keysFirst) { // the library has no quick code for this
      softmaxBackward(p, dp, ds);
    } else {
      engine.softmaxBackward(p, dp, ds);
    }
    return ds;
  }

  private HeadMatrix narrow(HeadMatrix m) {
    return dtype == DType.F32 ? m : m.at(narrow.address, dtype);
  }

  private HeadMatrix product(HeadMatrix a, HeadMatrix b, double scale, long address) {
    int rows = a.rows();
    int columns = b.columns();
    if (keysFirst) {
      HeadMatrix y = HeadMatrix.columnsFirst(address, DType.F32, a.n(), a.heads(), rows, columns);
      engine.multiply(b.transposed(), a.transposed(), scale, y.transposed());
      return y;
    }
    HeadMatrix y = HeadMatrix.dense(address, DType.F32, a.n(), a.heads(), rows, columns);
    engine.multiply(a, b, scale, y);
    return y;
  }

  /** Scores of keys behind the query become so low that their probability is zero. */
  private static void mask(HeadMatrix scores, int firstRow) {
    int columns = scores.columns();
    float[] low = Scratch.mine().floats(0, columns);
    Arrays.fill(low, 0, columns, -1e30f);
    long rows = (long) scores.n() * scores.heads() * scores.rows();
    for (long i = 0; i < rows; i++) {
      int seen = (int) Math.min(columns, firstRow + i % scores.rows() + 1);
      Tiles.store(low, 0, scores.address(), DType.F32, i * columns + seen, columns - seen);
    }
  }

  @Override
  public void close() {
    wide.close();
    narrow.close();
    slopes.close();
  }
}
