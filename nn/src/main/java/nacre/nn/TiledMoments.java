package nacre.nn;

import java.util.IdentityHashMap;
import java.util.Map;
import java.util.function.Supplier;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.tensor.ops.GroupNormalization;
import nacre.tensor.ops.Slice;
import nacre.tensor.spi.NormStatistics;

/**
 * Means and variances that the {@link GroupNorm}s of a network have in common over all tiles of an
 * image. By them each tile is normalized as the whole image would be, so that tiles meet without a
 * seam.
 *
 * <p>Those of the whole image are not at hand without computing it. So they are measured tile by
 * tile in a pass over all of them, first with each tile normalized by itself, and again with what
 * the pass before found: the deeper a norm, the later it is right.
 *
 * <pre>{@code
 * for (int pass = 0; pass < passes; pass++) {
 *   for (Part tile : tiles) {
 *     moments.measure(tile.core(), () -> network.forward(tile.of(image)));
 *   }
 *   moments.settle();
 * }
 * Tensor part = moments.use(() -> network.forward(tile.of(image)));
 * }</pre>
 */
public final class TiledMoments {
  private static final ScopedValue<TiledMoments> CURRENT = ScopedValue.newInstance();

  /**
   * The part of a tile that no other tile measures.
   *
   * @param rows of the network's input
   * @param columns of the network's input
   */
  public record Core(Span rows, Span columns) {
    private Tensor of(Tensor x) {
      return columns.of(rows.of(x, 1), 2);
    }
  }

  /**
   * A part of a tile along an axis, by pixels of the network's input.
   *
   * @param from the first
   * @param to behind the last
   * @param all pixels of the tile
   */
  public record Span(int from, int to, int all) {
    /** The same part where the network has a tile of another size. */
    private Tensor of(Tensor x, int axis) {
      int first = from * x.dim(axis) / all;
      return Slice.slice(x, axis, first, to * x.dim(axis) / all - first);
    }
  }

  /** What was found of a norm: the mean and the variance of each group. */
  private record Moments(double[] mean, double[] variance) {}

  /** Sums over cores, weighted by their pixels. */
  private static final class Sums {
    private final double[] mean;
    private final double[] square;
    private double pixels;

    private Sums(int groups) {
      mean = new double[groups];
      square = new double[groups];
    }

    private void add(Moments found, long weight) {
      for (int g = 0; g < mean.length; g++) {
        mean[g] += found.mean[g] * weight;
        square[g] += (found.variance[g] + found.mean[g] * found.mean[g]) * weight;
      }
      pixels += weight;
    }

    private Moments all() {
      double[] means = new double[mean.length];
      double[] variances = new double[mean.length];
      for (int g = 0; g < mean.length; g++) {
        means[g] = mean[g] / pixels;
        variances[g] = Math.max(0, square[g] / pixels - means[g] * means[g]);
      }
      return new Moments(means, variances);
    }
  }

  private final Map<GroupNorm, Sums> sums = new IdentityHashMap<>();
  private final Map<GroupNorm, Moments> known = new IdentityHashMap<>();
  private Core measured;

  /** Those of the work that goes on in this thread; null mostly. */
  static TiledMoments current() {
    return CURRENT.isBound() ? CURRENT.get() : null;
  }

  /** Measures a tile while it is computed, whose result is dropped. */
  public void measure(Core core, Supplier<Tensor> tile) {
    measured = core;
    try (Scope _ = Scope.open()) {
      use(tile);
    } finally {
      measured = null;
    }
  }

  /** What was measured of all tiles is what they are normalized by from here on. */
  public void settle() {
    sums.forEach((norm, found) -> known.put(norm, found.all()));
    sums.clear();
  }

  /** Computes a tile, normalized by what was measured. */
  public Tensor use(Supplier<Tensor> tile) {
    return ScopedValue.where(CURRENT, this).call(tile::get);
  }

  /** A tile's input of a norm, {@code [1, H, W, C]}, normalized. */
  Tensor normalize(GroupNorm norm, Tensor x, boolean silu) {
    if (measured != null) {
      try (Scope _ = Scope.open()) {
        Tensor core = measured.of(x);
        sums.computeIfAbsent(norm, n -> new Sums(n.groups()))
            .add(moments(norm, core), (long) core.dim(1) * core.dim(2));
      }
    }
    Moments all = known.get(norm);
    return all == null ? norm.apply(x, silu) : norm.apply(x, silu, change(norm, x, all));
  }

  private static Moments moments(GroupNorm norm, Tensor x) {
    try (Scope _ = Scope.open()) {
      NormStatistics found = GroupNormalization.statistics(x, norm.groups(), norm.eps());
      float[] means = found.mean().toFloats();
      float[] rstds = found.rstd().toFloats();
      double[] mean = new double[norm.groups()];
      double[] variance = new double[norm.groups()];
      for (int g = 0; g < mean.length; g++) {
        mean[g] = means[g];
        variance[g] = Math.max(0, 1 / ((double) rstds[g] * rstds[g]) - norm.eps());
      }
      return new Moments(mean, variance);
    }
  }

  /**
   * What makes of a tile that is normalized by its own mean m′ and r′ = 1 / √(variance + eps) one
   * that is normalized by m and r of all: (x − m) · r = (x − m′) · r′ · (r / r′) + (m′ − m) · r.
   */
  private static GroupNorm.Change change(GroupNorm norm, Tensor x, Moments all) {
    Moments own = moments(norm, x);
    double[] factor = new double[norm.groups()];
    double[] offset = new double[norm.groups()];
    for (int g = 0; g < factor.length; g++) {
      double rstd = 1 / Math.sqrt(all.variance[g] + norm.eps());
      factor[g] = rstd * Math.sqrt(own.variance[g] + norm.eps());
      offset[g] = (own.mean[g] - all.mean[g]) * rstd;
    }
    return new GroupNorm.Change(factor, offset);
  }
}
