package nacre.tensor.cpu;

import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.MatrixEngine;
import nacre.tensor.cpu.engine.Worth;

/**
 * A 3 × 3 convolution of an image enlarged by repeating pixels, as one transposed convolution with
 * stride 2. Along an axis, even pixels of the result see pixel i − 1 by tap 0 and pixel i by taps 1
 * and 2, odd ones see i by taps 0 and 1 and i + 1 by tap 2: the transposed kernel is (t2, t1 + t2,
 * t0 + t1, t0), and 16 products take the place of 36.
 */
final class UpsampleConvolutionKernel {
  /** Pixels of the small image from which on the larger kernel pays for being made each time. */
  private static final int WORTH = 1024;

  /** Taps of the 3 × 3 kernel, first and last, that make each of the transposed kernel's four. */
  private static final int[] FIRST = {2, 1, 0, 0};

  private static final int[] LAST = {2, 2, 1, 0};

  private final Team team;
  private final MatrixEngine engine;

  UpsampleConvolutionKernel(Team team, MatrixEngine engine) {
    this.team = team;
    this.engine = engine;
  }

  /** Whether this is the quicker way. */
  boolean serves(Tensor x, Tensor w) {
    return engine != null
        && engine.supports(x.dtype())
        && x.elements() > 0
        && w.elements() > 0
        && (w.prepacked() || x.dim(0) * x.dim(1) * x.dim(2) >= WORTH);
  }

  void forward(Tensor x, Tensor w, Tensor bias, Tensor y) {
    engine.transposedConv2d(x, w, this::sumTaps, bias, y);
  }

  /** The kernel [O, 4, 4, I] at {@code four} from the one [O, 3, 3, I] at {@code three}. */
  private void sumTaps(long three, long four, DType dtype, int out, int in) {
    team.split(
        out,
        Worth.arithmetic(16L * out * in),
        (from, to) -> {
          float[] taps = Scratch.mine().floats(0, 9 * in);
          float[] sums = Scratch.mine().floats(1, 16 * in);
          for (long o = from; o < to; o++) {
            Tiles.load(three, dtype, o * 9 * in, taps, 0, 9 * in);
            for (int i = 0; i < 16; i++) {
              sum(taps, i / 4, i % 4, sums, i * in, in);
            }
            Tiles.store(sums, 0, four, dtype, o * 16 * in, 16 * in);
          }
        });
  }

  private static void sum(float[] taps, int row, int column, float[] sums, int at, int n) {
    int first = 3 * FIRST[row] + FIRST[column];
    System.arraycopy(taps, first * n, sums, at, n);
    for (int r = FIRST[row]; r <= LAST[row]; r++) {
      for (int c = FIRST[column]; c <= LAST[column]; c++) {
        int tap = 3 * r + c;
        if (tap != first) {
          add(taps, tap * n, sums, at, n);
        }
      }
    }
  }

  private static void add(float[] x, int from, float[] sum, int at, int n) {
    for (int i = 0; i < n; i++) {
      sum[at + i] += x[from + i];
    }
  }
}
