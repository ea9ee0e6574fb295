package nacre.evaluation.metric;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * What the Fréchet distance needs of symmetric matrices in f64: a root of one, and the eigenvalues
 * of one. No library was taken for it: those for the JVM are no modules, which would keep Nacre off
 * images of {@code jlink}.
 */
final class SymmetricMatrix {
  /** What of the largest diagonal element counts as nothing. */
  private static final double NOTHING = 1e-15;

  private SymmetricMatrix() {}

  /**
   * A root of a positive semidefinite matrix {@code [n][n]}: L {@code [n][r]} with {@code L Lᵀ =
   * a}, as wide as the rank of {@code a}. Cholesky's, each time with the largest element left on
   * the diagonal as pivot, until there is none.
   */
  static double[][] root(double[][] a) {
    int n = a.length;
    double[][] columns = new double[n][];
    double[] left = new double[n];
    for (int i = 0; i < n; i++) {
      left[i] = a[i][i];
    }
    double least = NOTHING * n * Arrays.stream(left).max().orElse(0);
    int rank = 0;
    for (; rank < n; rank++) {
      int pivot = 0;
      for (int i = 1; i < n; i++) {
        pivot = left[i] > left[pivot] ? i : pivot;
      }
      if (!(left[pivot] > least)) {
        break;
      }
      double[] column = a[pivot].clone();
      for (int k = 0; k < rank; k++) {
        addTo(column, -columns[k][pivot], columns[k]);
      }
      double scale = 1 / Math.sqrt(left[pivot]);
      for (int i = 0; i < n; i++) {
        column[i] *= scale;
        left[i] -= column[i] * column[i];
      }
      left[pivot] = 0;
      columns[rank] = column;
    }
    return transposed(Arrays.copyOf(columns, rank), n);
  }

  private static double[][] transposed(double[][] a, int columns) {
    double[][] t = new double[columns][a.length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < columns; j++) {
        t[j][i] = a[i][j];
      }
    }
    return t;
  }

  private static void addTo(double[] y, double k, double[] x) {
    for (int i = 0; i < y.length; i++) {
      y[i] += k * x[i];
    }
  }

  /** {@code lᵀ a l} of {@code a [n][n]} and {@code l [n][r]}. */
  static double[][] sandwich(double[][] a, double[][] l) {
    double[][] al = product(a, l);
    return product(transposed(l, l[0].length), al);
  }

  private static double[][] product(double[][] a, double[][] b) {
    double[][] c = new double[a.length][];
    IntStream.range(0, a.length)
        .parallel()
        .forEach(
            i -> {
              double[] row = new double[b[0].length];
              for (int k = 0; k < b.length; k++) {
                addTo(row, a[i][k], b[k]);
              }
              c[i] = row;
            });
    return c;
  }

  /** The eigenvalues of a symmetric matrix, which is overwritten, from the least to the largest. */
  static double[] eigenvalues(double[][] a) {
    double[] diagonal = new double[a.length];
    double[] beside = new double[a.length];
    tridiagonalize(a, diagonal, beside);
    return bisect(diagonal, beside);
  }

  /**
   * Householder's reflections, each of which clears a column below its second element.
   *
   * @param diagonal gets the diagonal
   * @param beside gets what is beside it: element i of rows i and i + 1
   */
  private static void tridiagonalize(double[][] a, double[] diagonal, double[] beside) {
    int n = a.length;
    double[] v = new double[n];
    double[] w = new double[n];
    for (int k = 0; k < n; k++) {
      diagonal[k] = a[k][k];
      double squares = 0;
      for (int i = k + 1; i < n; i++) {
        v[i] = a[k][i];
        squares += v[i] * v[i];
      }
      if (k == n - 1) {
        break;
      }
      double length = -Math.copySign(Math.sqrt(squares), v[k + 1]);
      beside[k] = length;
      double half = squares - length * v[k + 1]; // of the squared length of the mirror's normal
      if (half == 0) {
        continue;
      }
      v[k + 1] -= length;
      int from = k + 1;
      rows(from, n, i -> w[i] = dot(a[i], v, from, n) / half);
      double share = dot(v, w, from, n) / (2 * half);
      for (int i = from; i < n; i++) {
        w[i] -= share * v[i];
      }
      rows(
          from,
          n,
          i -> {
            double[] row = a[i];
            double vi = v[i];
            double wi = w[i];
            for (int j = from; j < n; j++) {
              row[j] -= vi * w[j] + wi * v[j];
            }
          });
    }
  }

  private interface RowWork {
    void of(int row);
  }

  /** On all cores where it is worth it; each row by itself, so that the bits are the same. */
  private static void rows(int from, int to, RowWork work) {
    IntStream rows = IntStream.range(from, to);
    (to - from > 256 ? rows.parallel() : rows).forEach(work::of);
  }

  private static double dot(double[] a, double[] b, int from, int to) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = from;
    for (; i + 3 < to; i += 4) {
      s0 += a[i] * b[i];
      s1 += a[i + 1] * b[i + 1];
      s2 += a[i + 2] * b[i + 2];
      s3 += a[i + 3] * b[i + 3];
    }
    for (; i < to; i++) {
      s0 += a[i] * b[i];
    }
    return s0 + s1 + s2 + s3;
  }

  /** Eigenvalues of a tridiagonal matrix, each found by halving where it may lie. */
  private static double[] bisect(double[] diagonal, double[] beside) {
    int n = diagonal.length;
    double least = Double.POSITIVE_INFINITY;
    double most = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      double reach = (i > 0 ? Math.abs(beside[i - 1]) : 0) + (i < n - 1 ? Math.abs(beside[i]) : 0);
      least = Math.min(least, diagonal[i] - reach);
      most = Math.max(most, diagonal[i] + reach);
    }
    double bottom = least;
    double top = most;
    double[] values = new double[n];
    rows(
        0,
        n,
        k -> {
          double low = bottom;
          double high = top;
          for (int step = 0; step < 64; step++) {
            double middle = low + (high - low) / 2;
            if (below(middle, diagonal, beside) > k) {
              high = middle;
            } else {
              low = middle;
            }
          }
          values[k] = low + (high - low) / 2;
        });
    return values;
  }

  /** How many eigenvalues are below x: the signs in Sturm's sequence. */
  private static int below(double x, double[] diagonal, double[] beside) {
    int count = 0;
    double q = 1;
    for (int i = 0; i < diagonal.length; i++) {
      double b = i > 0 ? beside[i - 1] : 0;
      q = diagonal[i] - x - b * b / q;
      if (q == 0) {
        q = Double.MIN_NORMAL;
      }
      if (q < 0) {
        count++;
      }
    }
    return count;
  }
}
