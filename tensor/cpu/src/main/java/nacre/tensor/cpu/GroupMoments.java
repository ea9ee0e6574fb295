package nacre.tensor.cpu;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Tensor;

/**
 * Mean and inverse root of the variance of groups of channels, in one pass over the images. Sums of
 * a piece are of what is left over a pixel of it: so nothing cancels, however far from zero the
 * channels lie.
 */
final class GroupMoments {
  /** Elements of a piece: its sums are over so few that f32 does, and there are few to merge. */
  private static final int PIECE = 128 << 10;

  /** Pieces of an image at least, where it is large enough. */
  private static final int PIECES = 8;

  /** Elements that a loop adds to at a time, where there are fewer channels. */
  private static final int RUN = 1_024;

  private GroupMoments() {}

  /** x [N, .., C] → mean and rstd, f32 [N, groups]. */
  static void compute(Team team, Tensor x, int groups, double eps, Tensor mean, Tensor rstd) {
    long image = x.dim(0) == 0 ? 0 : x.elements() / x.dim(0);
    ImagePieces cut = ImagePieces.of(x, Math.clamp(image / PIECES, Scratch.TILE, PIECE));
    int c = cut.channels();
    float[] sums = new float[Math.toIntExact((long) cut.all() * 2 * c)];
    team.split(
        cut.all(),
        cut.worth(),
        (from, to) -> {
          for (int k = (int) from; k < to; k++) {
            int piece = k % cut.pieces();
            long start = cut.start(k / cut.pieces(), piece);
            piece(x, start, cut.rowsOf(piece), c, sums, k * 2 * c);
          }
        });
    float[] m = new float[groups];
    float[] r = new float[groups];
    for (int n = 0; n < cut.images(); n++) {
      merge(cut, sums, n, groups, eps, m, r);
      Tiles.store(m, 0, mean.address(), DType.F32, (long) n * groups, groups);
      Tiles.store(r, 0, rstd.address(), DType.F32, (long) n * groups, groups);
    }
  }

  /** Mean and summed squared deviation of each channel of a piece: [c, c]. */
  private static void piece(Tensor x, long start, int rows, int c, float[] out, int at) {
    int run = c * Math.max(1, RUN / c);
    Scratch s = Scratch.mine();
    float[] t0 = s.floats(0, run);
    float[] t1 = s.floats(1, run);
    float[] t2 = s.floats(2, run);
    float[] t3 = s.floats(3, run);
    float[] center = s.floats(4, run);
    float[] sum = s.floats(5, run);
    float[] squares = s.floats(6, run);
    Tiles.load(x.address(), x.dtype(), start, center, 0, c);
    VectorMath.repeat(center, c, run / c);
    Arrays.fill(sum, 0, run, 0);
    Arrays.fill(squares, 0, run, 0);
    long end = start + (long) rows * c;
    long i = start;
    for (; i + 4L * run <= end; i += 4L * run) {
      Tiles.load(x.address(), x.dtype(), i, t0, 0, run);
      Tiles.load(x.address(), x.dtype(), i + run, t1, 0, run);
      Tiles.load(x.address(), x.dtype(), i + 2L * run, t2, 0, run);
      Tiles.load(x.address(), x.dtype(), i + 3L * run, t3, 0, run);
      add(t0, t1, t2, t3, center, sum, squares, run);
    }
    for (; i < end; i += run) {
      int n = (int) Math.min(run, end - i);
      Tiles.load(x.address(), x.dtype(), i, t0, 0, n);
      add(t0, center, sum, squares, n);
    }
    VectorMath.foldRows(sum, run / c, c);
    VectorMath.foldRows(squares, run / c, c);
    for (int k = 0; k < c; k++) {
      float offset = sum[k] / rows;
      out[at + k] = center[k] + offset;
      out[at + c + k] = Math.max(0, squares[k] - offset * sum[k]);
    }
  }

  private static void add(float[] x, float[] center, float[] sum, float[] squares, int n) {
    for (int i = 0; i < n; i++) {
      float d = x[i] - center[i];
      sum[i] += d;
      squares[i] += d * d;
    }
  }

  /** Four runs at once: the sums are loaded and stored a quarter as often. */
  private static void add(
      float[] x0,
      float[] x1,
      float[] x2,
      float[] x3,
      float[] center,
      float[] sum,
      float[] squares,
      int n) {
    for (int i = 0; i < n; i++) {
      float m = center[i];
      float a = x0[i] - m;
      float b = x1[i] - m;
      float c = x2[i] - m;
      float d = x3[i] - m;
      sum[i] += (a + b) + (c + d);
      squares[i] += (a * a + b * b) + (c * c + d * d);
    }
  }

  /** Merges the pieces and channels of each group of an image. */
  private static void merge(
      ImagePieces cut,
      float[] sums,
      int image,
      int groups,
      double eps,
      float[] mean,
      float[] rstd) {
    int c = cut.channels();
    int width = c / groups;
    int first = image * cut.pieces() * 2 * c;
    double count = (double) cut.pixels() * width;
    for (int g = 0; g < groups; g++) {
      double total = 0;
      for (int p = 0; p < cut.pieces(); p++) {
        int at = first + p * 2 * c + g * width;
        double sum = 0;
        for (int i = at; i < at + width; i++) {
          sum += sums[i];
        }
        total += sum * cut.rowsOf(p);
      }
      double mu = total / count;
      double squares = 0;
      for (int p = 0; p < cut.pieces(); p++) {
        int at = first + p * 2 * c + g * width;
        int rows = cut.rowsOf(p);
        for (int i = at; i < at + width; i++) {
          double d = sums[i] - mu;
          squares += sums[i + c] + d * d * rows;
        }
      }
      mean[g] = (float) mu;
      rstd[g] = (float) (1 / Math.sqrt(squares / count + eps));
    }
  }
}
