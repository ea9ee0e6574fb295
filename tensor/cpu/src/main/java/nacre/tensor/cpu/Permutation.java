package nacre.tensor.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.Worth;

/**
 * Axes in another order. Where the last axis stays the last, whole runs move; where it does not, it
 * is exchanged with the result's last axis in tiles, so that both sides are read and written by the
 * cache line.
 */
final class Permutation {
  /** Side of a tile: as many lines of each side as a first-level cache holds with room to spare. */
  private static final int SIDE = 32;

  private final Team team;

  Permutation(Team team) {
    this.team = team;
  }

  /** The result's axes, those that stay neighbors in x merged, with their strides in x. */
  private record Axes(int count, long[] extents, long[] strides) {
    static Axes of(Tensor x, int[] axes) {
      int rank = axes.length;
      long[] own = new long[rank];
      long step = 1;
      for (int i = rank - 1; i >= 0; i--) {
        own[i] = step;
        step *= x.dim(i);
      }
      long[] extents = new long[rank + 1];
      long[] strides = new long[rank + 1];
      int n = 0;
      for (int axis : axes) {
        long extent = x.dim(axis);
        if (extent == 1) {
          continue;
        }
        if (n > 0 && strides[n - 1] == extent * own[axis]) {
          extents[n - 1] *= extent;
          strides[n - 1] = own[axis];
        } else {
          extents[n] = extent;
          strides[n] = own[axis];
          n++;
        }
      }
      if (n == 0) {
        extents[0] = 1;
        strides[0] = 1;
        n = 1;
      }
      return new Axes(n, extents, strides);
    }

    long last() {
      return extents[count - 1];
    }

    /** The axis whose neighbors are neighbors in x. */
    int innermost() {
      int axis = 0;
      while (strides[axis] != 1) {
        axis++;
      }
      return axis;
    }

    /** Elements from one index of an axis to the next in the result. */
    long stride(int axis) {
      long step = 1;
      for (int i = count - 1; i > axis; i--) {
        step *= extents[i];
      }
      return step;
    }
  }

  void permute(Tensor x, int[] axes, Tensor y) {
    if (y.elements() == 0) {
      return;
    }
    Axes a = Axes.of(x, axes);
    if (a.innermost() == a.count - 1) {
      runs(a, x, y);
    } else {
      tiles(a, x, y);
    }
  }

  private void runs(Axes a, Tensor x, Tensor y) {
    int bytes = x.dtype().bytes();
    long runBytes = a.last() * bytes;
    long from = x.address();
    long to = y.address();
    team.split(
        y.elements() / a.last(),
        Worth.functions(y.elements()),
        (first, end) -> {
          for (long k = first; k < end; k++) {
            long rest = k;
            long offset = 0;
            for (int i = a.count - 2; i >= 0; i--) {
              offset += rest % a.extents[i] * a.strides[i];
              rest /= a.extents[i];
            }
            long at = from + offset * bytes;
            MemorySegment.copy(Tiles.ALL, at, Tiles.ALL, to + k * runBytes, runBytes);
          }
        });
  }

  private void tiles(Axes a, Tensor x, Tensor y) {
    int inner = a.innermost();
    int last = a.count - 1;
    long blocks = (a.extents[inner] + SIDE - 1) / SIDE;
    long outer = y.elements() / a.extents[inner] / a.last();
    int bytes = x.dtype().bytes();
    long from = x.address();
    long to = y.address();
    long xRow = a.strides[last] * bytes;
    long yRow = a.stride(inner) * bytes;
    team.split(
        outer * blocks,
        Worth.functions(y.elements()),
        (first, end) -> {
          for (long item = first; item < end; item++) {
            long j = item % blocks * SIDE;
            int rows = (int) Math.min(SIDE, a.extents[inner] - j);
            long source = from + j * bytes;
            long target = to + j * yRow;
            long rest = item / blocks;
            for (int i = last - 1; i >= 0; i--) {
              if (i != inner) {
                long index = rest % a.extents[i];
                rest /= a.extents[i];
                source += index * a.strides[i] * bytes;
                target += index * a.stride(i) * bytes;
              }
            }
            for (long k = 0; k < a.last(); k += SIDE) {
              int columns = (int) Math.min(SIDE, a.last() - k);
              transpose(source + k * xRow, xRow, target + k * bytes, yRow, rows, columns, bytes);
            }
          }
        });
  }

  /** Row r, column c of the target is row c, column r of the source. */
  private static void transpose(
      long source, long sourceRow, long target, long targetRow, int rows, int columns, int bytes) {
    MemorySegment all = Tiles.ALL;
    for (int r = 0; r < rows; r++) {
      long from = source + (long) r * bytes;
      long to = target + r * targetRow;
      switch (bytes) {
        case 1 -> {
          for (int c = 0; c < columns; c++) {
            byte v = all.get(ValueLayout.JAVA_BYTE, from + c * sourceRow);
            all.set(ValueLayout.JAVA_BYTE, to + c, v);
          }
        }
        case 2 -> {
          for (int c = 0; c < columns; c++) {
            short v = all.get(ValueLayout.JAVA_SHORT, from + c * sourceRow);
            all.set(ValueLayout.JAVA_SHORT, to + 2L * c, v);
          }
        }
        case 4 -> {
          for (int c = 0; c < columns; c++) {
            int v = all.get(ValueLayout.JAVA_INT, from + c * sourceRow);
            all.set(ValueLayout.JAVA_INT, to + 4L * c, v);
          }
        }
        default -> {
          for (int c = 0; c < columns; c++) {
            long v = all.get(ValueLayout.JAVA_LONG, from + c * sourceRow);
            all.set(ValueLayout.JAVA_LONG, to + 8L * c, v);
          }
        }
      }
    }
  }
}
