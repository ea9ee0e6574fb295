package nacre.tensor.cpu;

import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.MatrixEngine;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.GroupNormInputs;
import nacre.tensor.spi.NormStatistics;
import nacre.tensor.spi.Unary;

/**
 * Group normalization of channels-last images, SiLU included: one pass for the statistics, one that
 * gives each channel its factor and its offset.
 */
final class GroupNormKernel {
  /** Elements of an image for which a call of the library pays. */
  private static final long LIBRARY = 32 << 10;

  private final Team team;
  private final MatrixEngine engine;
  private final Allocator allocator;

  /** {@code engine} is null where the library did not load. */
  GroupNormKernel(Team team, MatrixEngine engine, Allocator allocator) {
    this.team = team;
    this.engine = engine;
    this.allocator = allocator;
  }

  void statistics(Tensor x, int groups, double eps, NormStatistics out) {
    GroupMoments.compute(team, x, groups, eps, out.mean(), out.rstd());
  }

  void apply(GroupNormInputs in, NormStatistics statistics, Tensor y) {
    Tensor x = in.x();
    Tensor mean = statistics.mean();
    Tensor rstd = statistics.rstd();
    boolean silu = in.silu();
    ImagePieces cut = ImagePieces.of(x, Scratch.TILE);
    int c = cut.channels();
    float[] scale = new float[cut.images() * c];
    float[] shift = new float[cut.images() * c];
    coefficients(Tiles.vector(in.gamma()), Tiles.vector(in.beta()), mean, rstd, scale, shift);
    long image = cut.pixels() * c;
    if (engine == null || !engine.supports(x.dtype()) || image < LIBRARY) {
      team.split(
          cut.all(),
          cut.worth(),
          (from, to) -> apply(x, scale, shift, silu, y, cut, (int) from, (int) to));
      return;
    }
    try (Buffer vectors = new Buffer(allocator, 8L * c)) {
      for (int n = 0; n < cut.images(); n++) {
        Tiles.store(scale, n * c, vectors.address, DType.F32, 0, c);
        Tiles.store(shift, n * c, vectors.address, DType.F32, c, c);
        long offset = n * image * x.dtype().bytes();
        engine.scaleShift(
            x.address() + offset,
            x.dtype(),
            cut.pixels(),
            c,
            vectors.address,
            vectors.address + 4L * c,
            silu ? Unary.SILU : null,
            y.address() + offset);
      }
    }
  }

  /** y = x · scale + shift, for each image and channel. */
  private static void coefficients(
      float[] gamma, float[] beta, Tensor mean, Tensor rstd, float[] scale, float[] shift) {
    float[] m = Tiles.vector(mean);
    float[] r = Tiles.vector(rstd);
    int c = gamma.length;
    int width = m.length == 0 ? 1 : scale.length / m.length;
    for (int i = 0; i < scale.length; i++) {
      scale[i] = r[i / width] * gamma[i % c];
      shift[i] = beta[i % c] - m[i / width] * scale[i];
    }
  }

  private static void apply(
      Tensor x,
      float[] scale,
      float[] shift,
      boolean silu,
      Tensor y,
      ImagePieces cut,
      int from,
      int to) {
    int c = cut.channels();
    Scratch s = Scratch.mine();
    float[] t = s.floats(0, cut.rows() * c);
    float[] a = s.floats(1, cut.rows() * c);
    float[] b = s.floats(2, cut.rows() * c);
    int last = -1;
    for (int k = from; k < to; k++) {
      int image = k / cut.pieces();
      if (image != last) {
        System.arraycopy(scale, image * c, a, 0, c);
        System.arraycopy(shift, image * c, b, 0, c);
        VectorMath.repeat(a, c, cut.rows());
        VectorMath.repeat(b, c, cut.rows());
        last = image;
      }
      long start = cut.start(image, k % cut.pieces());
      int n = cut.rowsOf(k % cut.pieces()) * c;
      Tiles.load(x.address(), x.dtype(), start, t, 0, n);
      scaleShift(t, a, b, n);
      if (silu) {
        UnaryTiles.apply(Unary.SILU, t, n);
      }
      Tiles.store(t, 0, y.address(), y.dtype(), start, n);
    }
  }

  private static void scaleShift(float[] t, float[] a, float[] b, int n) {
    for (int i = 0; i < n; i++) {
      t[i] = t[i] * a[i] + b[i];
    }
  }
}
