package nacre.tensor.cpu;

import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.HeadEngine;
import nacre.tensor.cpu.engine.HeadMatrix;
import nacre.tensor.cpu.engine.MatrixEngine;
import nacre.tensor.cpu.engine.Worth;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.AttentionGradients;
import nacre.tensor.spi.AttentionInputs;

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

  /** Of so few items for each thread, one more on one thread would be felt. */
  private static final int FEW_ITEMS = 8;

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
   * Splits items over the team, each of whose members then calls the library for itself. Of the few
   * that are left over, or where there are too few, the library splits each.
   */
  private void split(int items, Cut cut, Body body) {
    int threads = team.threads();
    long scores = (long) cut.n * cut.heads * cut.rows * cut.columns;
    int even = 0;
    if (team.runsLibrary() && Worth.scores(scores)) {
      even = items < FEW_ITEMS * threads ? items - items % threads : items;
    }
    team.split(even, true, (from, to) -> run(body, true, from, to));
    if (even < items) {
      run(body, false, even, items);
    }
  }

  private void run(Body body, boolean member, long from, long to) {
    try (HeadEngine heads = engine.heads(member)) {
      body.run(heads, (int) from, (int) to);
    }
  }

  void forward(AttentionInputs in, Tensor y) {
    Cut cut = Cut.of(in.q(), in.k());
    HeadMatrix mq = HeadMatrix.tokens(in.q());
    HeadMatrix mk = HeadMatrix.tokens(in.k()).transposed();
    HeadMatrix mv = HeadMatrix.tokens(in.v());
    HeadMatrix my = HeadMatrix.tokens(y);
    int steps = cut.steps();
    split(
        cut.n * cut.heads * steps,
        cut,
        (heads, from, to) -> {
          try (AttentionBlock w = new AttentionBlock(allocator, heads, cut.scores(), in, false)) {
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

  void backward(AttentionInputs in, Tensor dy, AttentionGradients d) {
    Cut cut = Cut.of(in.q(), in.k());
    HeadMatrix mq = HeadMatrix.tokens(in.q());
    HeadMatrix mk = HeadMatrix.tokens(in.k());
    HeadMatrix mv = HeadMatrix.tokens(in.v());
    HeadMatrix mdy = HeadMatrix.tokens(dy);
    HeadMatrix mdq = HeadMatrix.tokens(d.dq());
    HeadMatrix mdk = HeadMatrix.tokens(d.dk());
    HeadMatrix mdv = HeadMatrix.tokens(d.dv());
    split(
        cut.n * cut.heads,
        cut,
        (heads, from, to) -> {
          try (AttentionBlock w = new AttentionBlock(allocator, heads, cut.scores(), in, true);
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
                heads.multiply(ds, h.of(mk), in.scale(), h.of(mdq).rows(row, rows));
                sumK.add(ds.transposed(), hq, in.scale(), h.of(mdk), row == 0);
              }
              sumK.store(h.of(mdk));
              sumV.store(h.of(mdv));
              at += h.count();
            }
          }
        });
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
}
