package nacre.tensor.cpu;

import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.backend.Allocator;
import nacre.tensor.cpu.MatrixEngine.HeadMatrix;

/**
 * Attention as products of whole batches of heads around a softmax of rows. The state kept for the
 * backward is the matrix of probabilities.
 */
final class AttentionKernel {
  /** Scores held at a time when nothing is kept for a backward, in elements. */
  private static final long SCORES = 16L << 20;

  private final Team team;
  private final MatrixEngine engine;
  private final Allocator allocator;

  AttentionKernel(Team team, MatrixEngine engine, Allocator allocator) {
    this.team = team;
    this.engine = engine;
    this.allocator = allocator;
  }

  void forward(Tensor q, Tensor k, Tensor v, double scale, boolean causal, Tensor y, Tensor state) {
    int heads = q.dim(2);
    int rows = q.dim(1);
    int columns = k.dim(1);
    long entry = (long) heads * rows * columns;
    int chunk = state != null ? q.dim(0) : Math.clamp(SCORES / entry, 1, q.dim(0));
    Buffer scores = state == null ? new Buffer(allocator, chunk * entry * 4) : null;
    // The product with v wants probabilities of v's type.
    Buffer cast =
        q.dtype() == DType.F32 ? null : new Buffer(allocator, chunk * entry * q.dtype().bytes());
    try {
      for (int first = 0; first < q.dim(0); first += chunk) {
        int n = Math.min(chunk, q.dim(0) - first);
        long p = state != null ? state.address() : scores.address;
        HeadMatrix tq = HeadMatrix.tokens(q, first, n);
        HeadMatrix tk = HeadMatrix.tokens(k, first, n);
        HeadMatrix tv = HeadMatrix.tokens(v, first, n);
        HeadMatrix tp = HeadMatrix.dense(p, DType.F32, n, heads, rows, columns);
        engine.multiplyHeads(tq, tk.transposed(), tp);
        softmax(p, n * heads, rows, columns, (float) scale, causal, cast, q.dtype());
        if (cast != null) {
          tp = HeadMatrix.dense(cast.address, q.dtype(), n, heads, rows, columns);
        }
        engine.multiplyHeads(tp, tv, HeadMatrix.tokens(y, first, n));
      }
    } finally {
      close(scores);
      close(cast);
    }
  }

  private void softmax(
      long p,
      long matrices,
      int rows,
      int columns,
      float scale,
      boolean causal,
      Buffer cast,
      DType dtype) {
    long all = matrices * rows;
    int block = Math.max(1, Scratch.TILE / columns);
    team.split(
        (all + block - 1) / block,
        all * columns >= Elementwise.WORTH,
        (from, to) -> {
          float[] t = Scratch.mine().floats(0, block * columns);
          for (long i = from; i < to; i++) {
            long row = i * block;
            int r = (int) Math.min(block, all - row);
            int n = r * columns;
            Tiles.load(p, DType.F32, row * columns, t, 0, n);
            multiply(t, scale, n);
            if (causal) {
              mask(t, row, r, rows, columns);
            }
            RowNormKernels.softmaxRows(t, r, columns);
            if (causal) {
              clear(t, row, r, rows, columns);
            }
            Tiles.store(t, 0, p, DType.F32, row * columns, n);
            if (cast != null) {
              Tiles.store(t, 0, cast.address, dtype, row * columns, n);
            }
          }
        });
  }

  private static void multiply(float[] t, float k, int n) {
    for (int i = 0; i < n; i++) {
      t[i] *= k;
    }
  }

  private static void mask(float[] t, long row, int r, int rows, int columns) {
    for (int i = 0; i < r; i++) {
      int seen = (int) Math.min(columns, (row + i) % rows + 1);
      java.util.Arrays.fill(t, i * columns + seen, (i + 1) * columns, -1e30f);
    }
  }

  private static void clear(float[] t, long row, int r, int rows, int columns) {
    for (int i = 0; i < r; i++) {
      int seen = (int) Math.min(columns, (row + i) % rows + 1);
      java.util.Arrays.fill(t, i * columns + seen, (i + 1) * columns, 0f);
    }
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
    int n = q.dim(0);
    int heads = q.dim(2);
    int rows = q.dim(1);
    int columns = k.dim(1);
    DType dtype = q.dtype();
    long elements = state.elements();
    Buffer ds = new Buffer(allocator, elements * 4);
    Buffer cast = dtype == DType.F32 ? null : new Buffer(allocator, elements * dtype.bytes());
    try {
      HeadMatrix tdy = HeadMatrix.tokens(dy, 0, n);
      HeadMatrix p = HeadMatrix.dense(state.address(), DType.F32, n, heads, rows, columns);
      if (cast != null) {
        convert(state.address(), cast, dtype, elements);
        p = HeadMatrix.dense(cast.address, dtype, n, heads, rows, columns);
      }
      engine.multiplyHeads(p.transposed(), tdy, HeadMatrix.tokens(dv, 0, n));
      HeadMatrix s = HeadMatrix.dense(ds.address, DType.F32, n, heads, rows, columns);
      engine.multiplyHeads(tdy, HeadMatrix.tokens(v, 0, n).transposed(), s);
      scoreGradient(state.address(), ds.address, (long) n * heads * rows, columns, (float) scale);
      if (cast != null) {
        convert(ds.address, cast, dtype, elements);
        s = HeadMatrix.dense(cast.address, dtype, n, heads, rows, columns);
      }
      engine.multiplyHeads(s, HeadMatrix.tokens(k, 0, n), HeadMatrix.tokens(dq, 0, n));
      engine.multiplyHeads(s.transposed(), HeadMatrix.tokens(q, 0, n), HeadMatrix.tokens(dk, 0, n));
    } finally {
      close(ds);
      close(cast);
    }
  }

  /** ds = scale · p · (ds − Σ p · ds) for each row, in place. */
  private void scoreGradient(long p, long ds, long rows, int columns, float scale) {
    int block = Math.max(1, Scratch.TILE / columns);
    team.split(
        (rows + block - 1) / block,
        rows * columns >= Elementwise.WORTH,
        (from, to) -> {
          float[] tp = Scratch.mine().floats(0, block * columns);
          float[] td = Scratch.mine().floats(1, block * columns);
          for (long i = from; i < to; i++) {
            long row = i * block;
            int r = (int) Math.min(block, rows - row);
            Tiles.load(p, DType.F32, row * columns, tp, 0, r * columns);
            Tiles.load(ds, DType.F32, row * columns, td, 0, r * columns);
            for (int j = 0; j < r; j++) {
              int at = j * columns;
              float sum = VectorMath.dot(tp, at, td, at, columns);
              for (int c = at; c < at + columns; c++) {
                td[c] = scale * tp[c] * (td[c] - sum);
              }
            }
            Tiles.store(td, 0, ds, DType.F32, row * columns, r * columns);
          }
        });
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

  private static void close(Buffer buffer) {
    if (buffer != null) {
      buffer.allocator.free(buffer.address, buffer.bytes);
    }
  }

  /** Memory for the time of a call. */
  private static final class Buffer {
    private final Allocator allocator;
    private final long address;
    private final long bytes;

    Buffer(Allocator allocator, long bytes) {
      this.allocator = allocator;
      this.bytes = bytes;
      this.address = allocator.allocate(bytes);
    }
  }
}
