package nacre.tensor.cpu;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.backend.Allocator;

/**
 * Attention in blocks that go through product, softmax and product while their scores are in the
 * cache: some heads, or some queries of one head, always with all keys. So no matrix of scores is
 * ever in memory, and a row's softmax is made in one go. The backward computes the probabilities
 * again, by the same steps; it keeps no state.
 */
final class AttentionKernel {
  /**
   * Scores of a block for each channel of a head. Of heads with 64 channels they fill, in f32, two
   * second-level caches; the wider the heads, the more must queries share a pass over the keys.
   */
  private static final int SCORES = 8 << 10;

  /** Rows of a block at least: products of fewer run at a fraction of the speed. */
  private static final int ROWS = 32;

  /** So few keys lie before the queries: then a softmax runs along many queries at a time. */
  private static final int FEW_KEYS = 32;

  private final Team team;
  private final MatrixEngine engine;
  private final Allocator allocator;

  AttentionKernel(Team team, MatrixEngine engine, Allocator allocator) {
    this.team = team;
    this.engine = engine;
    this.allocator = allocator;
  }

  /**
   * The sizes of a call.
   *
   * @param n batch entries
   * @param heads of each
   * @param rows queries
   * @param columns keys
   * @param block scores that go together, about
   * @param step queries that go together; all, where whole heads do
   */
  private record Cut(int n, int heads, int rows, int columns, int block, int step) {
    static Cut of(Tensor q, Tensor k) {
      int rows = q.dim(1);
      int columns = k.dim(1);
      int block = SCORES * Math.max(ROWS, q.dim(3));
      int most = Math.clamp(block / columns, Math.min(ROWS, rows), rows);
      int steps = (rows + most - 1) / most;
      return new Cut(q.dim(0), q.dim(2), rows, columns, block, (rows + steps - 1) / steps);
    }

    int steps() {
      return (rows + step - 1) / step;
    }

    /** Heads that go together. */
    int together() {
      return Math.clamp(block / ((long) step * columns), 1, n * heads);
    }

    /** Elements of the largest block's scores. */
    long scores() {
      return (long) together() * step * columns;
    }
  }

  /** Some heads of some batch entries. */
  private record Heads(int entry, int entries, int head, int heads) {
    /** The longest run of heads from {@code from} on that is whole entries or part of one. */
    static Heads from(int from, int to, Cut cut) {
      int most = Math.min(to - from, cut.together());
      int head = from % cut.heads;
      if (head == 0 && most >= cut.heads) {
        return new Heads(from / cut.heads, most / cut.heads, 0, cut.heads);
      }
      return new Heads(from / cut.heads, 1, head, Math.min(most, cut.heads - head));
    }

    HeadMatrix of(HeadMatrix m) {
      return m.part(entry, entries, head, heads);
    }

    int count() {
      return entries * heads;
    }
  }

  private interface Body {
    void run(HeadEngine engine, int from, int to);
  }

  /**
   * Splits items over the team, each of whose members then calls the library for itself. Where
   * there are too few the library splits each call.
   */
  private void split(int items, Cut cut, Body body) {
    long scores = (long) cut.n * cut.heads * cut.rows * cut.columns;
    boolean members = items >= team.threads() && team.runsLibrary() && scores >= Elementwise.WORTH;
    HeadEngine heads = engine.heads(members);
    team.split(items, members, (from, to) -> body.run(heads, (int) from, (int) to));
  }

  void forward(Tensor q, Tensor k, Tensor v, double scale, boolean causal, Tensor y) {
    Cut cut = Cut.of(q, k);
    HeadMatrix mq = HeadMatrix.tokens(q);
    HeadMatrix mk = HeadMatrix.tokens(k).transposed();
    HeadMatrix mv = HeadMatrix.tokens(v);
    HeadMatrix my = HeadMatrix.tokens(y);
    int steps = cut.steps();
    split(
        cut.n * cut.heads * steps,
        cut,
        (heads, from, to) -> {
          try (Workspace w =
              new Workspace(allocator, heads, cut, q.dtype(), scale, causal, false)) {
            int at = from;
            while (at < to) {
              Heads h = Heads.from(at / steps, steps == 1 ? to : at / steps + 1, cut);
              int row = at % steps * cut.step;
              int rows = Math.min(cut.step, cut.rows - row);
              HeadMatrix p = w.probabilities(h.of(mq).rows(row, rows), h.of(mk), row);
              heads.multiply(p, h.of(mv), 1, h.of(my).rows(row, rows));
              at += h.count();
            }
          }
        });
  }

  void backward(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor dy,
      double scale,
      boolean causal,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    Cut cut = Cut.of(q, k);
    HeadMatrix mq = HeadMatrix.tokens(q);
    HeadMatrix mk = HeadMatrix.tokens(k);
    HeadMatrix mv = HeadMatrix.tokens(v);
    HeadMatrix mdy = HeadMatrix.tokens(dy);
    HeadMatrix mdq = HeadMatrix.tokens(dq);
    HeadMatrix mdk = HeadMatrix.tokens(dk);
    HeadMatrix mdv = HeadMatrix.tokens(dv);
    split(
        cut.n * cut.heads,
        cut,
        (heads, from, to) -> {
          try (Workspace w = new Workspace(allocator, heads, cut, q.dtype(), scale, causal, true);
              Sum sumK = new Sum(allocator, heads, cut, mdk);
              Sum sumV = new Sum(allocator, heads, cut, mdv)) {
            int at = from;
            while (at < to) {
              Heads h = Heads.from(at, to, cut);
              for (int row = 0; row < cut.rows; row += cut.step) {
                int rows = Math.min(cut.step, cut.rows - row);
                HeadMatrix hq = h.of(mq).rows(row, rows);
                HeadMatrix hdy = h.of(mdy).rows(row, rows);
                HeadMatrix p = w.wideProbabilities(hq, h.of(mk).transposed(), row);
                sumV.add(w.rounded(p).transposed(), hdy, 1, h.of(mdv), row == 0);
                HeadMatrix ds = w.slopes(p, hdy, h.of(mv).transposed());
                heads.multiply(ds, h.of(mk), scale, h.of(mdq).rows(row, rows));
                sumK.add(ds.transposed(), hq, scale, h.of(mdk), row == 0);
              }
              sumK.store(h.of(mdk));
              sumV.store(h.of(mdv));
              at += h.count();
            }
          }
        });
  }

  /** A block's scores and what becomes of them. */
  private static final class Workspace implements AutoCloseable {
    private final HeadEngine engine;
    private final DType dtype;
    private final double scale;
    private final boolean causal;
    private final boolean keysFirst;
    private final Buffer wide;
    private final Buffer narrow;
    private final Buffer slopes;

    Workspace(
        Allocator allocator,
        HeadEngine engine,
        Cut cut,
        DType dtype,
        double scale,
        boolean causal,
        boolean backward) {
      this.engine = engine;
      this.dtype = dtype;
      this.scale = scale;
      this.causal = causal;
      keysFirst = !causal && cut.columns <= FEW_KEYS;
      wide = new Buffer(allocator, cut.scores() * 4);
      narrow = new Buffer(allocator, dtype == DType.F32 ? 0 : cut.scores() * dtype.bytes());
      slopes = new Buffer(allocator, backward ? cut.scores() * 4 : 0);
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
      if (keysFirst) { // then the library is slow to narrow what it writes
        engine.softmaxBackward(p, dp, dp);
        return rounded(dp);
      }
      HeadMatrix ds = narrow(dp);
      engine.softmaxBackward(p, dp, ds);
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

  /** A gradient that is the sum over blocks of queries: in f32 until it is complete. */
  private static final class Sum implements AutoCloseable {
    private final HeadEngine engine;
    private final Buffer buffer;

    Sum(Allocator allocator, HeadEngine engine, Cut cut, HeadMatrix y) {
      this.engine = engine;
      boolean needed = cut.steps() > 1 && y.dtype() != DType.F32;
      buffer = needed ? new Buffer(allocator, 4L * y.rows() * y.columns()) : null;
    }

    void add(HeadMatrix a, HeadMatrix b, double scale, HeadMatrix y, boolean first) {
      HeadMatrix sum =
          buffer == null
              ? y
              : HeadMatrix.dense(buffer.address, DType.F32, 1, 1, y.rows(), y.columns());
      if (first) {
        engine.multiply(a, b, scale, sum);
      } else {
        engine.multiplyAndAdd(a, b, scale, sum);
      }
    }

    void store(HeadMatrix y) {
      if (buffer == null) {
        return;
      }
      float[] t = Scratch.mine().floats(0, y.columns());
      for (int i = 0; i < y.rows(); i++) {
        Tiles.load(buffer.address, DType.F32, (long) i * y.columns(), t, 0, y.columns());
        Tiles.store(t, 0, y.address(), y.dtype(), i * y.perRow(), y.columns());
      }
    }

    @Override
    public void close() {
      if (buffer != null) {
        buffer.close();
      }
    }
  }

  /** Memory for the time of a call. */
  private static final class Buffer implements AutoCloseable {
    private final Allocator allocator;
    private final long address;
    private final long bytes;

    Buffer(Allocator allocator, long bytes) {
      this.allocator = allocator;
      this.bytes = bytes;
      this.address = allocator.allocate(bytes);
    }

    @Override
    public void close() {
      allocator.free(address, bytes);
    }
  }
}
