package nacre.tensor.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.Worth;
import nacre.tensor.spi.Indexed;

/** Boxes in and out of tensors, and rows of tables. {@link Permutation} reorders axes. */
final class Movement {
  private final Team team;

  Movement(Team team) {
    this.team = team;
  }

  void slice(Tensor x, int[] starts, Tensor y) {
    region(x.address(), x.shape(), starts, y.shape(), y.address(), true, y.dtype().bytes());
  }

  void place(Tensor x, int[] starts, Tensor y) {
    region(y.address(), y.shape(), starts, x.shape(), x.address(), false, x.dtype().bytes());
  }

  /** Copies between a box of a whole and a dense part, run by run. */
  private void region(
      long whole, Shape wholeShape, int[] starts, Shape box, long part, boolean out, int bytes) {
    int rank = box.rank();
    if (box.elements() == 0) {
      return;
    }
    // Trailing axes that the box spans entirely make the runs longer.
    int axis = rank;
    long run = 1;
    while (axis > 0) {
      axis--;
      run *= box.dim(axis);
      if (box.dim(axis) != wholeShape.dim(axis)) {
        break;
      }
    }
    int outerAxes = axis;
    long[] stride = new long[rank];
    long step = 1;
    for (int i = rank - 1; i >= 0; i--) {
      stride[i] = step;
      step *= wholeShape.dim(i);
    }
    long base = 0;
    for (int i = 0; i < rank; i++) {
      base += starts[i] * stride[i];
    }
    long first = base;
    long runBytes = run * bytes;
    long runs = box.elements() / run;
    team.split(
        runs,
        Worth.arithmetic(box.elements()) && runs > 1,
        (from, to) -> {
          for (long k = from; k < to; k++) {
            long rest = k;
            long offset = first;
            for (int i = outerAxes - 1; i >= 0; i--) {
              offset += rest % box.dim(i) * stride[i];
              rest /= box.dim(i);
            }
            long a = whole + offset * bytes;
            long b = part + k * runBytes;
            MemorySegment.copy(Tiles.ALL, out ? a : b, Tiles.ALL, out ? b : a, runBytes);
          }
        });
  }

  void gather(Tensor table, Tensor indices, Tensor y) {
    long row = (long) table.dim(-1) * table.dtype().bytes();
    for (long i = 0; i < indices.elements(); i++) {
      long from = table.address() + row(indices, i, table.dim(0)) * row;
      MemorySegment.copy(Tiles.ALL, from, Tiles.ALL, y.address() + i * row, row);
    }
  }

  void gatherBackward(Tensor indices, Tensor dy, Tensor dtable) {
    int d = dtable.dim(-1);
    int n = Math.toIntExact(indices.elements());
    Tiles.ALL.asSlice(dtable.address(), dtable.bytes()).fill((byte) 0);
    // Positions in the order of the rows that they name, so that a row is summed in f32 and
    // written once, however large the table.
    long[] order = new long[n];
    for (int i = 0; i < n; i++) {
      order[i] = row(indices, i, dtable.dim(0)) << 32 | i;
    }
    Arrays.sort(order);
    float[] sum = new float[d];
    float[] t = new float[d];
    for (int i = 0; i < n; i++) {
      long row = order[i] >>> 32;
      Tiles.load(dy.address(), dy.dtype(), (order[i] & 0xffffffffL) * d, t, 0, d);
      for (int j = 0; j < d; j++) {
        sum[j] += t[j];
      }
      if (i + 1 == n || order[i + 1] >>> 32 != row) {
        Tiles.store(sum, 0, dtable.address(), dtable.dtype(), row * d, d);
        Arrays.fill(sum, 0);
      }
    }
  }

  private static long row(Tensor indices, long i, int rows) {
    return Indexed.GATHER.check(Integers.get(indices, i), i, rows);
  }
}
