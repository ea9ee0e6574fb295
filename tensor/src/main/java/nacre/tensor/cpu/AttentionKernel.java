package nacre.tensor.cpu;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.backend.Allocator;
import nacre.tensor.cpu.MatrixEngine.HeadMatrix;

/**
 * Attention as products of batches of heads around a softmax of rows. A few batch entries go
 * through all steps at a time, so that their scores stay in the cache. The state kept for the
 * backward is the matrix of probabilities.
 */
final class AttentionKernel {
  /** Scores that go through together, in elements: half a second-level cache for each of two. */
  private static final long SCORES = 256 << 10;

  private final Team team;
  private final MatrixEngine engine;
  private final Allocator allocator;

  AttentionKernel(Team team, MatrixEngine engine, Allocator allocator) {
    this.team = team;
    this.engine = engine;
    this.allocator = allocator;
  }

  /** The sizes of a call: batch entries n, of which {@code chunk} go together. */
  private record Sizes(int n, int heads, int rows, int columns, int chunk) {
    static Sizes of(Tensor q, Tensor k) {
      long entry = (long) q.dim(2) * q.dim(1) * k.dim(1);
      int chunk = Math.clamp(SCORES / entry, 1, q.dim(0));
      return new Sizes(q.dim(0), q.dim(2), q.dim(1), k.dim(1), chunk);
    }

    long entry() {
      return (long) heads * rows * columns;
    }

    HeadMatrix scores(long address, DType dtype, int n) {
      return HeadMatrix.dense(address, dtype, n, heads, rows, columns);
    }

    long rows(int n) {
      return (long) n * heads * rows;
    }
  }

  void forward(Tensor q, Tensor k, Tensor v, double scale, boolean causal, Tensor y, Tensor state) {
    Sizes s = Sizes.of(q, k);
    DType dtype = q.dtype();
    try (Buffer scores = state != null ? null : new Buffer(allocator, s.chunk * s.entry() * 4);
        Buffer cast = castBuffer(s, dtype)) {
      for (int first = 0; first < s.n; first += s.chunk) {
        int n = Math.min(s.chunk, s.n - first);
        long p = state == null ? scores.address : state.address() + first * s.entry() * 4;
        HeadMatrix tk = HeadMatrix.tokens(k, first, n);
        HeadMatrix probabilities = s.scores(p, DType.F32, n);
        engine.multiplyHeads(HeadMatrix.tokens(q, first, n), tk.transposed(), scale, probabilities);
        if (causal) {
          mask(p, s, n);
        }
        engine.softmaxRows(p, s.rows(n), s.columns);
        if (cast != null) {
          convert(p, cast, dtype, n * s.entry());
          probabilities = s.scores(cast.address, dtype, n);
        }
        engine.multiplyHeads(
            probabilities, HeadMatrix.tokens(v, first, n), 1, HeadMatrix.tokens(y, first, n));
      }
    }
  }

  /** Scores of keys behind the query become so low that their probability is zero. */
  private void mask(long scores, Sizes s, int n) {
    team.split(
        s.rows(n),
        s.rows(n) * s.columns >= Elementwise.WORTH,
        (from, to) -> {
          float[] low = Scratch.mine().floats(0, s.columns);
          Arrays.fill(low, 0, s.columns, -1e30f);
          for (long row = from; row < to; row++) {
            int seen = (int) Math.min(s.columns, row % s.rows + 1);
            Tiles.store(low, 0, scores, DType.F32, row * s.columns + seen, s.columns - seen);
          }
        });
  }

  void backward(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor dy,
      Tensor state,
      double scale,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    Sizes s = Sizes.of(q, k);
    DType dtype = q.dtype();
    try (Buffer ds = new Buffer(allocator, s.chunk * s.entry() * 4);
        Buffer cast = castBuffer(s, dtype)) {
      for (int first = 0; first < s.n; first += s.chunk) {
        int n = Math.min(s.chunk, s.n - first);
        long p = state.address() + first * s.entry() * 4;
        HeadMatrix tdy = HeadMatrix.tokens(dy, first, n);
        HeadMatrix tk = HeadMatrix.tokens(k, first, n);
        HeadMatrix tq = HeadMatrix.tokens(q, first, n);
        HeadMatrix tv = HeadMatrix.tokens(v, first, n);
        HeadMatrix probabilities = s.scores(p, DType.F32, n);
        if (cast != null) {
          convert(p, cast, dtype, n * s.entry());
          probabilities = s.scores(cast.address, dtype, n);
        }
        engine.multiplyHeads(probabilities.transposed(), tdy, 1, HeadMatrix.tokens(dv, first, n));
        HeadMatrix slopes = s.scores(ds.address, DType.F32, n);
        engine.multiplyHeads(tdy, tv.transposed(), 1, slopes);
        engine.softmaxRowsBackward(p, ds.address, s.rows(n), s.columns);
        if (cast != null) {
          convert(ds.address, cast, dtype, n * s.entry());
          slopes = s.scores(cast.address, dtype, n);
        }
        engine.multiplyHeads(slopes, tk, scale, HeadMatrix.tokens(dq, first, n));
        engine.multiplyHeads(slopes.transposed(), tq, scale, HeadMatrix.tokens(dk, first, n));
      }
    }
  }

  /** The products want scores of the operands' type: room for them, if that is not f32. */
  private Buffer castBuffer(Sizes s, DType dtype) {
    return dtype == DType.F32 ? null : new Buffer(allocator, s.chunk * s.entry() * dtype.bytes());
  }

  private void convert(long from, Buffer to, DType dtype, long elements) {
    team.split(
        elements,
        elements >= Elementwise.WORTH,
        (a, b) -> {
          float[] t = Scratch.mine().floats(0, Scratch.TILE);
          for (long i = a; i < b; i += Scratch.TILE) {
            int n = (int) Math.min(Scratch.TILE, b - i);
            Tiles.load(from, DType.F32, i, t, 0, n);
            Tiles.store(t, 0, to.address, dtype, i, n);
          }
        });
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
