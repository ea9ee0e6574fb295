package nacre.tensor.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Locale;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.cuda.driver.Kernel;
import nacre.tensor.cuda.driver.KernelConstants;
import nacre.tensor.cuda.driver.KernelStruct;

/** What moves elements and does not look at them: {@code movement.cu}. */
final class MovementKernels {
  private static final String FILE = "movement";

  private static final int MAX_RANK = KernelConstants.MAX_RANK;
  private static final KernelStruct BOX = KernelConstants.BOX;

  private final Gpu gpu;

  MovementKernels(Gpu gpu) {
    this.gpu = gpu;
  }

  void slice(Tensor x, int[] starts, Tensor y) {
    long[] stepsX = strides(x.shape());
    copy(x, y, y.shape(), stepsX, at(starts, stepsX), strides(y.shape()), 0);
  }

  void place(Tensor x, int[] starts, Tensor y) {
    long[] stepsY = strides(y.shape());
    copy(x, y, x.shape(), strides(x.shape()), 0, stepsY, at(starts, stepsY));
  }

  void permute(Tensor x, int[] axes, Tensor y) {
    long[] strides = strides(x.shape());
    long[] stepsX = new long[axes.length];
    for (int i = 0; i < axes.length; i++) {
      stepsX[i] = strides[axes[i]];
    }
    copy(x, y, y.shape(), stepsX, 0, strides(y.shape()), 0);
  }

  /** y[atY + Σ i · stepsY] = x[atX + Σ i · stepsX] for every index i of a box. */
  private void copy(
      Tensor x, Tensor y, Shape box, long[] stepsX, long atX, long[] stepsY, long atY) {
    long n = box.elements();
    if (n == 0) {
      return;
    }
    int[] dims = new int[box.rank()];
    long[] sx = new long[box.rank()];
    long[] sy = new long[box.rank()];
    int kept = 0; // counted from the last axis; neighbors that continue each other become one
    for (int i = box.rank() - 1; i >= 0; i--) {
      if (box.dim(i) == 1) {
        continue;
      }
      if (kept > 0
          && stepsX[i] == sx[kept - 1] * dims[kept - 1]
          && stepsY[i] == sy[kept - 1] * dims[kept - 1]) {
        dims[kept - 1] *= box.dim(i);
      } else {
        dims[kept] = box.dim(i);
        sx[kept] = stepsX[i];
        sy[kept] = stepsY[i];
        kept++;
      }
    }
    if (isTranspose(dims, sx, sy, kept) && atX == 0 && atY == 0) {
      transpose(x, y, dims[1], dims[0], kept == 2 ? 1 : dims[2]);
      return;
    }
    if (kept > MAX_RANK) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s to %s: the GPU's kernel copies boxes of %d axes, not %d",
              x.describe(),
              y.describe(),
              MAX_RANK,
              kept));
    }
    int together = together(x, y, kept, dims, sx, sy, atX, atY);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment layout = arena.allocate(BOX.bytes(), 8);
      layout.set(ValueLayout.JAVA_INT, BOX.at("rank"), kept);
      for (int i = 0; i < kept; i++) {
        int from = kept - 1 - i;
        int unit = from == 0 ? 1 : together; // along the last axis elements follow each other
        int extent = from == 0 ? dims[0] / together : dims[from];
        layout.set(ValueLayout.JAVA_INT, BOX.at("dims") + 4L * i, extent);
        layout.set(ValueLayout.JAVA_LONG, BOX.at("step_x") + 8L * i, sx[from] / unit);
        layout.set(ValueLayout.JAVA_LONG, BOX.at("step_y") + 8L * i, sy[from] / unit);
      }
      layout.set(ValueLayout.JAVA_LONG, BOX.at("at_x"), atX / together);
      layout.set(ValueLayout.JAVA_LONG, BOX.at("at_y"), atY / together);
      long units = n / together;
      gpu.kernels()
          .get(FILE, "copy_" + x.dtype().bytes() * together)
          .over(units, a -> a.address(x.address()).address(y.address()).struct(layout).i64(units));
    }
  }

  /**
   * How many elements can be copied at a time, up to 16 bytes: all that is counted divides by it,
   * and so do the addresses, as a view of rows begins anywhere.
   */
  private static int together(
      Tensor x, Tensor y, int kept, int[] dims, long[] sx, long[] sy, long atX, long atY) {
    int bytes = x.dtype().bytes();
    int together = 16 / bytes;
    if (kept == 0 || sx[0] != 1 || sy[0] != 1) {
      return 1;
    }
    long all = dims[0] | atX | atY | x.address() / bytes | y.address() / bytes;
    for (int i = 1; i < kept; i++) {
      all |= sx[i] | sy[i];
    }
    return (int) Math.min(together, Long.lowestOneBit(all));
  }

  /** Whether y's last two axes are x's swapped, below at most one that is as it was. */
  private static boolean isTranspose(int[] dims, long[] sx, long[] sy, int kept) {
    return (kept == 2 || kept == 3 && sx[2] == (long) dims[0] * dims[1] && sy[2] == sx[2])
        && sx[0] == dims[1]
        && sx[1] == 1
        && sy[0] == 1
        && sy[1] == dims[0]
        && (kept == 2 || dims[2] <= 65535)
        && dims[0] <= 32 * 65535;
  }

  /** y [batch, columns, rows] = x [batch, rows, columns]. */
  private void transpose(Tensor x, Tensor y, int columns, int rows, int batch) {
    gpu.mover(FILE, "transpose", x.dtype())
        .launch(
            ReductionKernels.ceil(columns, 32),
            ReductionKernels.ceil(rows, 32),
            batch,
            32,
            8,
            a -> a.address(x.address()).address(y.address()).i32(rows).i32(columns));
  }

  void gather(Tensor table, Tensor indices, Tensor y) {
    long n = y.elements();
    if (n > 0) {
      int d = table.dim(1);
      String name = "gather_" + table.dtype().bytes() + "_" + indices.dtype();
      gpu.kernels()
          .get(FILE, name)
          .over(
              n,
              a ->
                  a.address(table.address())
                      .address(indices.address())
                      .address(y.address())
                      .i64(n / d)
                      .i32(d)
                      .i64(table.dim(0))
                      .address(gpu.faults().address()));
    }
  }

  void gatherBackward(Tensor indices, Tensor dy, Tensor dtable) {
    if (dtable.elements() > 0) {
      gpu.kernels()
          .get(FILE, "gather_backward_" + dy.dtype() + "_" + indices.dtype())
          .launch(
              ReductionKernels.ceil(dtable.dim(0), 8),
              Kernel.THREADS,
              a ->
                  a.address(indices.address())
                      .address(dy.address())
                      .address(dtable.address())
                      .i64(indices.elements())
                      .i32(dtable.dim(1))
                      .i64(dtable.dim(0))
                      .address(gpu.faults().address()));
    }
  }

  private static long[] strides(Shape shape) {
    long[] strides = new long[shape.rank()];
    long stride = 1;
    for (int i = shape.rank() - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= shape.dim(i);
    }
    return strides;
  }

  private static long at(int[] starts, long[] strides) {
    long at = 0;
    for (int i = 0; i < starts.length; i++) {
      at += starts[i] * strides[i];
    }
    return at;
  }
}
