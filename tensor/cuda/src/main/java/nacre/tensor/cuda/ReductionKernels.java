package nacre.tensor.cuda;

import java.util.ArrayList;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.cuda.driver.Kernel;
import nacre.tensor.cuda.driver.KernelConstants;
import nacre.tensor.spi.Reduction;

/**
 * Sums and largest elements, by {@code reduce.cu}. An operand is seen as [outer, count, inner], of
 * which the middle is reduced; where there are too few sums to fill the GPU, each is cut into
 * chunks whose partial sums are added up by a second launch. The cut depends on the shape and on
 * the GPU's size alone, so the same operands give the same bits.
 */
final class ReductionKernels {
  private static final String FILE = "reduce";
  private static final String SUM = "sum";
  private static final String MAX = "max";
  private static final long CHUNK = 4096;
  private static final long MOST_CHUNKS = 65535; // a grid's rows of blocks
  private static final long SHORT = 1024; // what one warp adds up
  private static final long SHORT_COLUMN = 512; // what one block adds up of each of its columns
  private static final long LEAST_OF_COLUMN =
      32; // four for each of a block's eight rows of threads
  private static final int COLUMNS = KernelConstants.SUMMED_COLUMNS; // of 32 × 8 threads

  private final Gpu gpu;
  private final ElementwiseKernels elementwise;

  ReductionKernels(Gpu gpu, ElementwiseKernels elementwise) {
    this.gpu = gpu;
    this.elementwise = elementwise;
  }

  /** Axes [outer, count, inner] of which the middle one is reduced. */
  private record Step(long outer, long count, long inner) {}

  void reduce(Reduction r, Tensor x, Tensor y) {
    if (y.elements() == 0) {
      return;
    }
    List<Step> steps = steps(x.shape(), y.shape());
    double scale = r == Reduction.MEAN ? (double) y.elements() / x.elements() : 1;
    if (steps.isEmpty()) {
      elementwise.affine(x, 1, 0, y);
      return;
    }
    String fold = r == Reduction.MAX ? MAX : SUM;
    run(fold, steps, x.address(), x.dtype(), y.address(), y.dtype(), scale);
  }

  /** Each step but the last leaves f32 in memory of its own. */
  private void run(
      String fold, List<Step> steps, long from, DType s, long to, DType t, double scale) {
    Step step = steps.getFirst();
    if (steps.size() == 1) {
      fold(fold, step, from, s, to, t, scale);
      return;
    }
    gpu.scratch(
        step.outer * step.inner * Float.BYTES,
        between -> {
          fold(fold, step, from, s, between, DType.F32, 1);
          run(fold, steps.subList(1, steps.size()), between, DType.F32, to, t, scale);
        });
  }

  /** y [outer, inner] of t = scale · the fold of the middle of x [outer, count, inner] of s. */
  private void fold(String fold, Step step, long x, DType s, long y, DType t, double scale) {
    if (step.inner == 1 && step.count <= SHORT) {
      gpu.kernel(FILE, fold + "_short_rows_" + s, t)
          .launch(
              ceil(step.outer, Kernel.THREADS / 32),
              Kernel.THREADS,
              a -> a.address(x).address(y).i64(step.outer).i64(step.count).f32(scale));
      return;
    }
    long blocks = step.inner == 1 ? step.outer : step.outer * ceil(step.inner, COLUMNS);
    long wanted = 2L * gpu.device().multiprocessors();
    boolean enough = blocks >= wanted || step.count <= (step.inner == 1 ? CHUNK : SHORT_COLUMN);
    if (enough) {
      launch(fold, step, step.count, x, s, y, t, scale);
      return;
    }
    long chunk =
        step.inner == 1
            ? chunk(step.count)
            : Math.max(LEAST_OF_COLUMN, ceil(step.count * blocks, wanted));
    long chunks = ceil(step.count, chunk);
    gpu.scratch(
        step.outer * chunks * step.inner * Float.BYTES,
        partial -> {
          launch(fold, step, chunk, x, s, partial, DType.F32, 1);
          fold(fold, new Step(step.outer, chunks, step.inner), partial, DType.F32, y, t, scale);
        });
  }

  /** How many are folded by a block at a time, so that the blocks of one sum fit into a grid. */
  static long chunk(long count) {
    return CHUNK * Math.max(1, ceil(count, CHUNK * MOST_CHUNKS));
  }

  private void launch(
      String fold, Step step, long chunk, long x, DType s, long y, DType t, double scale) {
    long length = Math.max(1, chunk);
    long chunks = Math.max(1, ceil(step.count, length));
    if (step.inner == 1) {
      gpu.kernel(FILE, fold + "_rows_" + s, t)
          .launch(
              step.outer,
              chunks,
              1,
              Kernel.THREADS,
              1,
              a -> a.address(x).address(y).i64(step.outer).i64(step.count).i64(length).f32(scale));
    } else {
      gpu.kernel(FILE, fold + "_columns_" + s, t)
          .launch(
              step.outer * ceil(step.inner, COLUMNS),
              chunks,
              1,
              32,
              8,
              a ->
                  a.address(x)
                      .address(y)
                      .i64(step.outer)
                      .i64(step.count)
                      .i64(step.inner)
                      .i64(length)
                      .f32(scale));
    }
  }

  /** y [inner] of t = column sums of x [count, inner] of s, wherever they lie. */
  void columns(long x, DType s, long count, long inner, long y, DType t) {
    fold(SUM, new Step(1, count, inner), x, s, y, t, 1);
  }

  /** y [outer, inner] f32 = Σ over the middle of x [outer, count, inner] f32. */
  void middle(long x, long outer, long count, long inner, long y) {
    fold(SUM, new Step(outer, count, inner), x, DType.F32, y, DType.F32, 1);
  }

  /** y, one f32, = scale times the sum of {@code count} f32. */
  void all(long x, long count, long y, double scale) {
    fold(SUM, new Step(1, count, 1), x, DType.F32, y, DType.F32, scale);
  }

  void meanSquaredError(Tensor p, Tensor q, Tensor y) {
    long n = p.elements();
    long blocks = Math.max(1, ceil(n, CHUNK));
    gpu.scratch(
        blocks * Float.BYTES,
        partial -> {
          gpu.kernel(FILE, "mse", p.dtype())
              .launch(
                  blocks,
                  Kernel.THREADS,
                  a ->
                      a.address(p.address())
                          .address(q.address())
                          .address(partial)
                          .i64(n)
                          .i64(CHUNK));
          all(partial, blocks, y.address(), 1.0 / n);
        });
  }

  void meanSquaredErrorBackward(Tensor p, Tensor q, Tensor dy, Tensor dp) {
    long n = p.elements();
    if (n > 0) {
      gpu.kernel(FILE, "mse_backward", p.dtype())
          .over(
              n,
              a ->
                  a.address(p.address())
                      .address(q.address())
                      .address(dy.address())
                      .address(dp.address())
                      .i64(n)
                      .f32(2.0 / n));
    }
  }

  /**
   * The groups of neighboring axes that are reduced, the last first, so that each step sees those
   * before it as they were.
   */
  private static List<Step> steps(Shape x, Shape y) {
    List<Step> steps = new ArrayList<>();
    long inner = 1;
    int axis = x.rank() - 1;
    while (axis >= 0) {
      if (kept(x, y, axis)) {
        inner *= x.dim(axis--);
        continue;
      }
      long count = 1;
      while (axis >= 0 && !kept(x, y, axis)) {
        count *= x.dim(axis--);
      }
      long outer = 1;
      for (int i = 0; i <= axis; i++) {
        outer *= x.dim(i);
      }
      if (count != 1) {
        steps.add(new Step(outer, count, inner));
      }
    }
    return steps;
  }

  private static boolean kept(Shape x, Shape y, int axis) {
    int fromLast = x.rank() - axis;
    return fromLast <= y.rank() && y.dim(-fromLast) == x.dim(axis);
  }

  static long ceil(long n, long of) {
    return (n + of - 1) / of;
  }
}
