package nacre.tensor.cpu;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.MatrixEngine;
import nacre.tensor.cpu.engine.Worth;
import nacre.tensor.spi.Binary;

/** Binary operations whose operands repeat along some axes. */
final class Broadcasting {
  private final Team team;
  private final Elementwise elementwise;
  private final MatrixEngine engine;

  /** {@code engine} is null where the library did not load. */
  Broadcasting(Team team, Elementwise elementwise, MatrixEngine engine) {
    this.team = team;
    this.elementwise = elementwise;
    this.engine = engine;
  }

  void binary(Binary f, Tensor a, Tensor b, Tensor y) {
    boolean commutes = f == Binary.ADD || f == Binary.MULTIPLY;
    if (byLibrary(f, a, b, y) || (commutes && byLibrary(f, b, a, y))) {
      return;
    }
    if (a.shape().equals(y.shape()) && b.shape().equals(y.shape())) {
      elementwise.binarySameShape(f, a, b, y);
      return;
    }
    if (y.elements() == 0) {
      return;
    }
    Operand left = new Operand(a, y.shape());
    Operand right = new Operand(b, y.shape());
    long yAddress = y.address();
    DType dtype = y.dtype();
    team.split(
        y.elements(),
        Worth.arithmetic(y.elements()),
        (from, to) -> {
          Scratch s = Scratch.mine();
          float[] ta = s.floats(0, Scratch.TILE);
          float[] tb = s.floats(1, Scratch.TILE);
          for (long i = from; i < to; i += Scratch.TILE) {
            int n = (int) Math.min(Scratch.TILE, to - i);
            left.load(i, ta, n);
            right.load(i, tb, n);
            Elementwise.apply(f, ta, tb, n);
            Tiles.store(ta, 0, yAddress, dtype, i, n);
          }
        });
  }

  /** Elements for which a call of the library pays. */
  private static final long LIBRARY = 8 << 10;

  /** Length of a row that is worth repeating by the library. */
  private static final int RUN = 16;

  /**
   * Lets the library do it where it can: large operands of one shape, or a second one that repeats
   * along axes that stand together.
   */
  private boolean byLibrary(Binary f, Tensor a, Tensor b, Tensor y) {
    if (engine == null
        || f == Binary.EQUAL
        || f == Binary.LESS
        || !engine.supports(y.dtype())
        || y.elements() < LIBRARY
        || !a.shape().equals(y.shape())
        || b.address() == y.address()) {
      return false;
    }
    // y is [outer, middle, inner] and b [outer, 1, inner].
    int rank = y.shape().rank();
    int missing = rank - b.shape().rank();
    int end = rank;
    while (end > missing && b.dim(end - 1 - missing) == y.dim(end - 1)) {
      end--;
    }
    int start = end;
    while (start > missing && b.dim(start - 1 - missing) == 1) {
      start--;
    }
    if (start <= missing) {
      start = 0;
    }
    for (int axis = 0; axis < start; axis++) {
      if (axis < missing || b.dim(axis - missing) != y.dim(axis)) {
        return false;
      }
    }
    long outer = y.shape().elements(0, start);
    long middle = y.shape().elements(start, end);
    long inner = y.shape().elements(end, rank);
    boolean repeated = middle > 1;
    if (inner > Integer.MAX_VALUE || repeated && (inner < RUN || middle * inner < LIBRARY)) {
      return false;
    }
    if (!repeated) { // one shape: any division into rows will do
      engine.binary(f, a.address(), b.address(), false, y.dtype(), outer, (int) inner, y.address());
      return true;
    }
    long row = inner * y.dtype().bytes();
    for (long o = 0; o < outer; o++) {
      long at = o * middle * row;
      engine.binary(
          f,
          a.address() + at,
          b.address() + o * row,
          true,
          y.dtype(),
          middle,
          (int) inner,
          y.address() + at);
    }
    return true;
  }

  /** An operand seen in the output's order: each run of its elements, or one of them repeated. */
  private static final class Operand {
    private final long address;
    private final DType dtype;
    // Output axes, merged where the operand treats neighbors alike; strides are in elements.
    private final long[] extents;
    private final long[] strides;
    private final int groups;

    Operand(Tensor t, Shape out) {
      address = t.address();
      dtype = t.dtype();
      int rank = out.rank();
      long[] e = new long[rank + 1];
      long[] st = new long[rank + 1];
      int g = 0;
      long stride = t.elements();
      boolean repeatedBefore = false;
      for (int axis = 0; axis < rank; axis++) {
        int own = axis - (rank - t.shape().rank());
        int extent = own < 0 ? 1 : t.dim(own);
        boolean repeated = extent == 1;
        if (out.dim(axis) == 1) {
          continue;
        }
        if (!repeated) {
          stride /= extent;
        }
        if (g > 0 && repeated == repeatedBefore) {
          e[g - 1] *= out.dim(axis);
          st[g - 1] = repeated ? 0 : stride;
        } else {
          e[g] = out.dim(axis);
          st[g] = repeated ? 0 : stride;
          g++;
        }
        repeatedBefore = repeated;
      }
      if (g == 0) {
        e[0] = 1;
        st[0] = 0;
        g = 1;
      }
      extents = e;
      strides = st;
      groups = g;
    }

    /** Fills tile[0 .. n) with what meets output elements [start .. start+n). */
    void load(long start, float[] tile, int n) {
      long inner = extents[groups - 1];
      boolean constant = strides[groups - 1] == 0;
      long lastRow = -1;
      int lastAt = 0;
      int done = 0;
      while (done < n) {
        long position = start + done;
        long within = position % inner;
        long row = row(position / inner);
        int run = (int) Math.min(inner - within, n - done);
        if (constant) {
          Tiles.load(address, dtype, row, tile, done, 1);
          Arrays.fill(tile, done + 1, done + run, tile[done]);
        } else if (row == lastRow && within == 0) {
          // The same run again, as a bias has it: copy it within the tile.
          System.arraycopy(tile, lastAt, tile, done, run);
        } else {
          Tiles.load(address, dtype, row + within, tile, done, run);
          if (within == 0 && run == inner) {
            lastRow = row;
            lastAt = done;
          }
        }
        done += run;
      }
    }

    /** Offset of the first element of an inner run. */
    private long row(long index) {
      long rest = index;
      long offset = 0;
      for (int g = groups - 2; g >= 0; g--) {
        offset += rest % extents[g] * strides[g];
        rest /= extents[g];
      }
      return offset;
    }
  }
}
