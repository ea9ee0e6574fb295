package nacre.tensor.cpu;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.backend.Unary;

/**
 * Group normalisation of channels-last images, SiLU included. An image's pixels are cut into pieces
 * of whole rows of channels; statistics of pieces are merged by Chan's formula, in order.
 */
final class GroupNormKernel {
  /** Elements of a piece: it stays in the first-level cache between its passes. */
  private static final int PIECE = 8_192;

  private final Team team;

  GroupNormKernel(Team team) {
    this.team = team;
  }

  /** How x [N, pixels, C] is cut. */
  private record Cut(int images, long pixels, int channels, int rows, int pieces) {
    static Cut of(Tensor x) {
      int n = x.dim(0);
      int c = x.dim(-1);
      long pixels = n == 0 ? 0 : x.elements() / ((long) n * c);
      int rows = (int) Math.max(1, Math.min(pixels, PIECE / c));
      return new Cut(n, pixels, c, rows, (int) ((pixels + rows - 1) / rows));
    }

    int rowsOf(int piece) {
      return (int) Math.min(rows, pixels - (long) piece * rows);
    }

    long start(int image, int piece) {
      return ((long) image * pixels + (long) piece * rows) * channels;
    }

    boolean worth() {
      return images * pixels * channels >= Elementwise.WORTH;
    }
  }

  void forward(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      int groups,
      double eps,
      boolean silu,
      Tensor y,
      Tensor mean,
      Tensor rstd) {
    Cut cut = Cut.of(x);
    int c = cut.channels;
    float[] g = vector(gamma);
    float[] b = vector(beta);
    if (cut.images >= team.threads() || cut.pieces == 1) {
      team.split(
          cut.images,
          cut.worth(),
          (from, to) -> {
            for (int n = (int) from; n < to; n++) {
              float[] moments = new float[cut.pieces * 2 * c];
              for (int p = 0; p < cut.pieces; p++) {
                moments(x, cut, n, p, moments, p * 2 * c);
              }
              finish(cut, moments, 0, groups, eps, n, mean, rstd);
              for (int p = 0; p < cut.pieces; p++) {
                apply(x, g, b, groups, silu, y, mean, rstd, cut, n, p);
              }
            }
          });
      return;
    }
    float[] moments = new float[cut.images * cut.pieces * 2 * c];
    int all = cut.images * cut.pieces;
    team.split(
        all,
        cut.worth(),
        (from, to) -> {
          for (int k = (int) from; k < to; k++) {
            moments(x, cut, k / cut.pieces, k % cut.pieces, moments, k * 2 * c);
          }
        });
    for (int n = 0; n < cut.images; n++) {
      finish(cut, moments, n * cut.pieces * 2 * c, groups, eps, n, mean, rstd);
    }
    team.split(
        all,
        cut.worth(),
        (from, to) -> {
          for (int k = (int) from; k < to; k++) {
            apply(x, g, b, groups, silu, y, mean, rstd, cut, k / cut.pieces, k % cut.pieces);
          }
        });
  }

  /** Mean and summed squared deviation of each channel of a piece. */
  private static void moments(Tensor x, Cut cut, int image, int piece, float[] out, int at) {
    int c = cut.channels;
    int rows = cut.rowsOf(piece);
    int n = rows * c;
    Scratch s = Scratch.mine();
    float[] t = s.floats(0, cut.rows * c);
    float[] u = s.floats(1, cut.rows * c);
    float[] m = s.floats(2, cut.rows * c);
    Tiles.load(x.address(), x.dtype(), cut.start(image, piece), t, 0, n);
    System.arraycopy(t, 0, u, 0, n);
    VectorMath.foldRows(u, rows, c);
    for (int i = 0; i < c; i++) {
      m[i] = u[i] / rows;
      out[at + i] = m[i];
    }
    VectorMath.repeat(m, c, rows);
    for (int i = 0; i < n; i++) {
      float d = t[i] - m[i];
      u[i] = d * d;
    }
    VectorMath.foldRows(u, rows, c);
    System.arraycopy(u, 0, out, at + c, c);
  }

  /** Merges the pieces and channels of each group. */
  private static void finish(
      Cut cut,
      float[] moments,
      int at,
      int groups,
      double eps,
      int image,
      Tensor mean,
      Tensor rstd) {
    int c = cut.channels;
    int width = c / groups;
    float[] m = new float[groups];
    float[] r = new float[groups];
    for (int g = 0; g < groups; g++) {
      double count = 0;
      double mu = 0;
      double m2 = 0;
      for (int p = 0; p < cut.pieces; p++) {
        int rows = cut.rowsOf(p);
        int base = at + p * 2 * c;
        for (int i = g * width; i < (g + 1) * width; i++) {
          double delta = moments[base + i] - mu;
          double total = count + rows;
          mu += delta * rows / total;
          m2 += moments[base + c + i] + delta * delta * count * rows / total;
          count = total;
        }
      }
      m[g] = (float) mu;
      r[g] = (float) (1 / Math.sqrt(m2 / count + eps));
    }
    Tiles.store(m, 0, mean.address(), DType.F32, (long) image * groups, groups);
    Tiles.store(r, 0, rstd.address(), DType.F32, (long) image * groups, groups);
  }

  private static void apply(
      Tensor x,
      float[] gamma,
      float[] beta,
      int groups,
      boolean silu,
      Tensor y,
      Tensor mean,
      Tensor rstd,
      Cut cut,
      int image,
      int piece) {
    int c = cut.channels;
    int rows = cut.rowsOf(piece);
    int n = rows * c;
    Scratch s = Scratch.mine();
    float[] t = s.floats(0, cut.rows * c);
    float[] scale = s.floats(1, cut.rows * c);
    float[] centre = s.floats(2, cut.rows * c);
    float[] shift = s.floats(3, cut.rows * c);
    statistics(mean, rstd, groups, c, image, scale, centre);
    for (int i = 0; i < c; i++) {
      scale[i] *= gamma[i];
      shift[i] = beta[i];
    }
    VectorMath.repeat(scale, c, rows);
    VectorMath.repeat(centre, c, rows);
    VectorMath.repeat(shift, c, rows);
    long start = cut.start(image, piece);
    Tiles.load(x.address(), x.dtype(), start, t, 0, n);
    for (int i = 0; i < n; i++) {
      t[i] = (t[i] - centre[i]) * scale[i] + shift[i];
    }
    if (silu) {
      Elementwise.apply(Unary.SILU, t, n);
    }
    Tiles.store(t, 0, y.address(), y.dtype(), start, n);
  }

  /** Spreads a group's rstd and mean over its channels. */
  private static void statistics(
      Tensor mean, Tensor rstd, int groups, int c, int image, float[] scale, float[] centre) {
    float[] m = new float[groups];
    float[] r = new float[groups];
    Tiles.load(mean.address(), DType.F32, (long) image * groups, m, 0, groups);
    Tiles.load(rstd.address(), DType.F32, (long) image * groups, r, 0, groups);
    int width = c / groups;
    for (int i = 0; i < c; i++) {
      scale[i] = r[i / width];
      centre[i] = m[i / width];
    }
  }

  void backward(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      int groups,
      boolean silu,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    Cut cut = Cut.of(x);
    int c = cut.channels;
    float[] g = vector(gamma);
    float[] b = vector(beta);
    int all = cut.images * cut.pieces;
    // Per piece: Σ dz · x̂ and Σ dz of each channel, z being what enters the SiLU.
    float[] sums = new float[all * 2 * c];
    if (cut.images >= team.threads() || cut.pieces == 1) {
      team.split(
          cut.images,
          cut.worth(),
          (from, to) -> {
            for (int n = (int) from; n < to; n++) {
              for (int p = 0; p < cut.pieces; p++) {
                sums(x, g, b, groups, silu, mean, rstd, dy, cut, n, p, sums);
              }
              float[] k = coefficients(sums, g, groups, cut, n);
              for (int p = 0; p < cut.pieces; p++) {
                if (cut.pieces > 1) {
                  load(x, g, b, groups, silu, mean, rstd, dy, cut, n, p);
                } // else what sums() loaded still lies there
                input(g, groups, mean, rstd, dx, cut, n, p, k);
              }
            }
          });
    } else {
      team.split(
          all,
          cut.worth(),
          (from, to) -> {
            for (int k = (int) from; k < to; k++) {
              int n = k / cut.pieces;
              sums(x, g, b, groups, silu, mean, rstd, dy, cut, n, k % cut.pieces, sums);
            }
          });
      float[][] coefficients = new float[cut.images][];
      for (int n = 0; n < cut.images; n++) {
        coefficients[n] = coefficients(sums, g, groups, cut, n);
      }
      team.split(
          all,
          cut.worth(),
          (from, to) -> {
            for (int k = (int) from; k < to; k++) {
              int n = k / cut.pieces;
              int p = k % cut.pieces;
              load(x, g, b, groups, silu, mean, rstd, dy, cut, n, p);
              input(g, groups, mean, rstd, dx, cut, n, p, coefficients[n]);
            }
          });
    }
    double[] total = new double[2 * c];
    for (int k = 0; k < all; k++) {
      for (int i = 0; i < 2 * c; i++) {
        total[i] += sums[k * 2 * c + i];
      }
    }
    float[] out = new float[2 * c];
    for (int i = 0; i < 2 * c; i++) {
      out[i] = (float) total[i];
    }
    Tiles.store(out, 0, dgamma.address(), dgamma.dtype(), 0, c);
    Tiles.store(out, c, dbeta.address(), dbeta.dtype(), 0, c);
  }

  /** Loads a piece: slot 0 becomes x̂ and slot 1 dz. Uses slots 0 to 5 and 8 to 11. */
  private static void load(
      Tensor x,
      float[] gamma,
      float[] beta,
      int groups,
      boolean silu,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Cut cut,
      int image,
      int piece) {
    int c = cut.channels;
    int rows = cut.rowsOf(piece);
    int n = rows * c;
    Scratch s = Scratch.mine();
    float[] hat = s.floats(0, cut.rows * c);
    float[] dz = s.floats(1, cut.rows * c);
    float[] scale = s.floats(2, cut.rows * c);
    float[] shift = s.floats(3, cut.rows * c);
    statistics(mean, rstd, groups, c, image, scale, shift);
    VectorMath.repeat(scale, c, rows);
    VectorMath.repeat(shift, c, rows);
    long start = cut.start(image, piece);
    Tiles.load(x.address(), x.dtype(), start, hat, 0, n);
    Tiles.load(dy.address(), dy.dtype(), start, dz, 0, n);
    for (int i = 0; i < n; i++) {
      hat[i] = (hat[i] - shift[i]) * scale[i];
    }
    if (silu) {
      float[] z = s.floats(4, cut.rows * c);
      System.arraycopy(gamma, 0, scale, 0, c);
      System.arraycopy(beta, 0, shift, 0, c);
      VectorMath.repeat(scale, c, rows);
      VectorMath.repeat(shift, c, rows);
      for (int i = 0; i < n; i++) {
        z[i] = hat[i] * scale[i] + shift[i];
      }
      Elementwise.applyDerivative(Unary.SILU, z, dz, n);
      System.arraycopy(z, 0, dz, 0, n);
    }
  }

  private static void sums(
      Tensor x,
      float[] gamma,
      float[] beta,
      int groups,
      boolean silu,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Cut cut,
      int image,
      int piece,
      float[] out) {
    load(x, gamma, beta, groups, silu, mean, rstd, dy, cut, image, piece);
    int c = cut.channels;
    int rows = cut.rowsOf(piece);
    int n = rows * c;
    Scratch s = Scratch.mine();
    float[] hat = s.floats(0, n);
    float[] dz = s.floats(1, n);
    float[] product = s.floats(6, n);
    float[] sum = s.floats(7, n);
    for (int i = 0; i < n; i++) {
      product[i] = hat[i] * dz[i];
    }
    System.arraycopy(dz, 0, sum, 0, n);
    VectorMath.foldRows(product, rows, c);
    VectorMath.foldRows(sum, rows, c);
    int at = (image * cut.pieces + piece) * 2 * c;
    System.arraycopy(product, 0, out, at, c);
    System.arraycopy(sum, 0, out, at + c, c);
  }

  /** Per channel, (mean over the group of γ dz x̂) and (of γ dz): [c, c]. */
  private static float[] coefficients(float[] sums, float[] gamma, int groups, Cut cut, int image) {
    int c = cut.channels;
    int width = c / groups;
    double count = (double) cut.pixels * width;
    float[] k = new float[2 * c];
    for (int g = 0; g < groups; g++) {
      double a = 0;
      double b = 0;
      for (int p = 0; p < cut.pieces; p++) {
        int at = (image * cut.pieces + p) * 2 * c;
        for (int i = g * width; i < (g + 1) * width; i++) {
          a += sums[at + i] * gamma[i];
          b += sums[at + c + i] * gamma[i];
        }
      }
      Arrays.fill(k, g * width, (g + 1) * width, (float) (a / count));
      Arrays.fill(k, c + g * width, c + (g + 1) * width, (float) (b / count));
    }
    return k;
  }

  /** dx = rstd · (γ dz − mean(γ dz) − x̂ · mean(γ dz x̂)), of the piece that was loaded. */
  private static void input(
      float[] gamma,
      int groups,
      Tensor mean,
      Tensor rstd,
      Tensor dx,
      Cut cut,
      int image,
      int piece,
      float[] k) {
    int c = cut.channels;
    int rows = cut.rowsOf(piece);
    int n = rows * c;
    Scratch s = Scratch.mine();
    float[] hat = s.floats(0, n);
    float[] dz = s.floats(1, n);
    float[] a = s.floats(2, n);
    float[] b = s.floats(3, n);
    float[] d = s.floats(4, n);
    statistics(mean, rstd, groups, c, image, a, b);
    for (int i = 0; i < c; i++) {
      float r = a[i];
      a[i] = r * gamma[i];
      b[i] = -r * k[i];
      d[i] = -r * k[c + i];
    }
    VectorMath.repeat(a, c, rows);
    VectorMath.repeat(b, c, rows);
    VectorMath.repeat(d, c, rows);
    for (int i = 0; i < n; i++) {
      dz[i] = dz[i] * a[i] + hat[i] * b[i] + d[i];
    }
    Tiles.store(dz, 0, dx.address(), dx.dtype(), cut.start(image, piece), n);
  }

  private static float[] vector(Tensor t) {
    float[] v = new float[Math.toIntExact(t.elements())];
    Tiles.load(t.address(), t.dtype(), 0, v, 0, v.length);
    return v;
  }
}
