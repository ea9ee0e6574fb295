package nacre.tensor.cpu;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.spi.GroupNormInputs;
import nacre.tensor.spi.NormGradients;
import nacre.tensor.spi.NormStatistics;
import nacre.tensor.spi.Unary;

/** Gradients of {@link GroupNormKernel}, in pieces that stay in the cache between their passes. */
final class GroupNormBackward {
  /** Elements of a piece. */
  private static final int PIECE = 8_192;

  private final Team team;

  GroupNormBackward(Team team) {
    this.team = team;
  }

  void run(GroupNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out) {
    int groups = in.groups();
    ImagePieces cut = ImagePieces.of(in.x(), PIECE);
    int c = cut.channels();
    float[] g = Tiles.vector(in.gamma());
    float[] b = Tiles.vector(in.beta());
    int all = cut.images() * cut.pieces();
    // Per piece: Σ dz · x̂ and Σ dz of each channel, z being what enters the SiLU.
    float[] sums = new float[all * 2 * c];
    if (cut.images() >= team.threads() || cut.pieces() == 1) {
      team.split(
          cut.images(),
          cut.worth(),
          (from, to) -> {
            for (int n = (int) from; n < to; n++) {
              for (int p = 0; p < cut.pieces(); p++) {
                sums(in, g, b, statistics, dy, cut, n, p, sums);
              }
              float[] k = coefficients(sums, g, groups, cut, n);
              for (int p = 0; p < cut.pieces(); p++) {
                if (cut.pieces() > 1) {
                  load(in, g, b, statistics, dy, cut, n, p);
                } // else what sums() loaded still lies there
                input(g, groups, statistics, out.dx(), cut, n, p, k);
              }
            }
          });
    } else {
      team.split(
          all,
          cut.worth(),
          (from, to) -> {
            for (int k = (int) from; k < to; k++) {
              int n = k / cut.pieces();
              sums(in, g, b, statistics, dy, cut, n, k % cut.pieces(), sums);
            }
          });
      float[][] coefficients = new float[cut.images()][];
      for (int n = 0; n < cut.images(); n++) {
        coefficients[n] = coefficients(sums, g, groups, cut, n);
      }
      team.split(
          all,
          cut.worth(),
          (from, to) -> {
            for (int k = (int) from; k < to; k++) {
              int n = k / cut.pieces();
              int p = k % cut.pieces();
              load(in, g, b, statistics, dy, cut, n, p);
              input(g, groups, statistics, out.dx(), cut, n, p, coefficients[n]);
            }
          });
    }
    double[] total = new double[2 * c];
    for (int k = 0; k < all; k++) {
      for (int i = 0; i < 2 * c; i++) {
        total[i] += sums[k * 2 * c + i];
      }
    }
    float[] both = new float[2 * c];
    for (int i = 0; i < 2 * c; i++) {
      both[i] = (float) total[i];
    }
    Tiles.store(both, 0, out.dgamma().address(), out.dgamma().dtype(), 0, c);
    Tiles.store(both, c, out.dbeta().address(), out.dbeta().dtype(), 0, c);
  }

  /** Loads a piece: slot 0 becomes x̂ and slot 1 dz. Uses slots 0 to 5 and 8 to 11. */
  private static void load(
      GroupNormInputs in,
      float[] gamma,
      float[] beta,
      NormStatistics statistics,
      Tensor dy,
      ImagePieces cut,
      int image,
      int piece) {
    int c = cut.channels();
    int rows = cut.rowsOf(piece);
    int n = rows * c;
    Scratch s = Scratch.mine();
    float[] hat = s.floats(0, cut.rows() * c);
    float[] dz = s.floats(1, cut.rows() * c);
    float[] scale = s.floats(2, cut.rows() * c);
    float[] shift = s.floats(3, cut.rows() * c);
    statistics(statistics, in.groups(), c, image, scale, shift);
    VectorMath.repeat(scale, c, rows);
    VectorMath.repeat(shift, c, rows);
    long start = cut.start(image, piece);
    Tiles.load(in.x().address(), in.x().dtype(), start, hat, 0, n);
    Tiles.load(dy.address(), dy.dtype(), start, dz, 0, n);
    for (int i = 0; i < n; i++) {
      hat[i] = (hat[i] - shift[i]) * scale[i];
    }
    if (in.silu()) {
      float[] z = s.floats(4, cut.rows() * c);
      System.arraycopy(gamma, 0, scale, 0, c);
      System.arraycopy(beta, 0, shift, 0, c);
      VectorMath.repeat(scale, c, rows);
      VectorMath.repeat(shift, c, rows);
      for (int i = 0; i < n; i++) {
        z[i] = hat[i] * scale[i] + shift[i];
      }
      UnaryTiles.applyDerivative(Unary.SILU, z, dz, n);
      System.arraycopy(z, 0, dz, 0, n);
    }
  }

  private static void sums(
      GroupNormInputs in,
      float[] gamma,
      float[] beta,
      NormStatistics statistics,
      Tensor dy,
      ImagePieces cut,
      int image,
      int piece,
      float[] out) {
    load(in, gamma, beta, statistics, dy, cut, image, piece);
    int c = cut.channels();
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
    int at = (image * cut.pieces() + piece) * 2 * c;
    System.arraycopy(product, 0, out, at, c);
    System.arraycopy(sum, 0, out, at + c, c);
  }

  /** Per channel, (mean over the group of γ dz x̂) and (of γ dz): [c, c]. */
  private static float[] coefficients(
      float[] sums, float[] gamma, int groups, ImagePieces cut, int image) {
    int c = cut.channels();
    int width = c / groups;
    double count = (double) cut.pixels() * width;
    float[] k = new float[2 * c];
    for (int g = 0; g < groups; g++) {
      double a = 0;
      double b = 0;
      for (int p = 0; p < cut.pieces(); p++) {
        int at = (image * cut.pieces() + p) * 2 * c;
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
      NormStatistics statistics,
      Tensor dx,
      ImagePieces cut,
      int image,
      int piece,
      float[] k) {
    int c = cut.channels();
    int rows = cut.rowsOf(piece);
    int n = rows * c;
    Scratch s = Scratch.mine();
    float[] hat = s.floats(0, n);
    float[] dz = s.floats(1, n);
    float[] a = s.floats(2, n);
    float[] b = s.floats(3, n);
    float[] d = s.floats(4, n);
    statistics(statistics, groups, c, image, a, b);
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

  /** Spreads a group's rstd and mean over its channels. */
  private static void statistics(
      NormStatistics s, int groups, int c, int image, float[] scale, float[] center) {
    float[] m = new float[groups];
    float[] r = new float[groups];
    Tiles.load(s.mean().address(), DType.F32, (long) image * groups, m, 0, groups);
    Tiles.load(s.rstd().address(), DType.F32, (long) image * groups, r, 0, groups);
    int width = c / groups;
    for (int i = 0; i < c; i++) {
      scale[i] = r[i / width];
      center[i] = m[i / width];
    }
  }
}
