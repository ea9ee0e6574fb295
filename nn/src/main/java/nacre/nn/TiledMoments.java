package nacre.nn;

import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.GroupNormalization;
import nacre.tensor.ops.Slice;
import nacre.tensor.spi.NormStatistics;

/**
 * Means and variances that the {@link GroupNorm}s of a network have over all tiles of an image. By
 * them each tile is normalized as the whole image would be, so that tiles meet without a seam.
 *
 * <p>A pass over the tiles ends each at the first norm that is not known yet, and measures it over
 * all of them; the next pass gets to the norm behind it. When all are known, tiles get through.
 *
 * <pre>{@code
 * do {
 *   for (int i = 0; i < tiles.length; i++) {
 *     made[i] = moments.compute(rows[i], () -> network.forward(tiles[i]));
 *   }
 * } while (moments.settle());
 * }</pre>
 */
public final class TiledMoments {
  private static final ScopedValue<TiledMoments> CURRENT = ScopedValue.newInstance();

  /**
   * The rows of a tile that are no other tile's. They lie in the same place where the network has a
   * tile of another size.
   *
   * @param from the first
   * @param to behind the last
   * @param all rows of the tile
   */
  public record Rows(int from, int to, int all) {
    /** Those of what a network has of a tile, {@code [1, H, W, C]}: a view. */
    public Tensor of(Tensor x) {
      Shape image = Shape.of(x.dim(1), x.dim(2), x.dim(3));
      int first = at(from, x);
      int end = at(to, x);
      return x.view(image).rows(first, end).view(x.shape().with(1, end - first));
    }

    /** The same in memory of its own. */
    public Tensor copy(Tensor x) {
      int first = at(from, x);
      return Slice.slice(x, 1, first, at(to, x) - first);
    }

    private int at(int row, Tensor x) {
      return row * x.dim(1) / all;
    }
  }

  /** Means and variances of a norm's groups over tiles, weighted by their pixels. */
  private static final class Moments {
    private final double[] mean;
    private final double[] square;
    private double pixels;

    private Moments(int groups) {
      mean = new double[groups];
      square = new double[groups];
    }

    private void add(Tensor x, double eps) {
      long more = (long) x.dim(1) * x.dim(2);
      NormStatistics found = GroupNormalization.statistics(x, mean.length, eps);
      float[] means = found.mean().toFloats();
      float[] rstds = found.rstd().toFloats();
      pixels += more;
      for (int g = 0; g < mean.length; g++) {
        double variance = 1 / ((double) rstds[g] * rstds[g]) - eps;
        double off = means[g] - mean[g];
        double moved = off * more / pixels;
        mean[g] += moved;
        square[g] += more * (variance + off * (off - moved));
      }
    }

    private NormStatistics statistics(Device device, double eps) {
      float[] means = new float[mean.length];
      float[] rstds = new float[mean.length];
      for (int g = 0; g < mean.length; g++) {
        means[g] = (float) mean[g];
        rstds[g] = (float) (1 / Math.sqrt(Math.max(0, square[g] / pixels) + eps));
      }
      Shape shape = Shape.of(1, means.length);
      return new NormStatistics(Tensor.of(device, shape, means), Tensor.of(device, shape, rstds));
    }
  }

  /** Ends a tile whose norm is not known. */
  private static final class Unknown extends RuntimeException {
    private static final long serialVersionUID = 1;

    private Unknown() {
      super("a norm is not known", null, false, false);
    }
  }

  private final Map<GroupNorm, Moments> known = new IdentityHashMap<>();
  private final Map<GroupNorm, Moments> measured = new IdentityHashMap<>();
  private Rows rows;

  /** Those of the work that goes on in this thread; null mostly. */
  static TiledMoments current() {
    return CURRENT.isBound() ? CURRENT.get() : null;
  }

  /**
   * Computes a tile as far as its norms are known.
   *
   * @return empty if it was measured and ended there
   */
  public Optional<Tensor> compute(Rows own, Supplier<Tensor> tile) {
    rows = own;
    try {
      return Optional.of(ScopedValue.where(CURRENT, this).call(() -> Scope.tidy(tile)));
    } catch (Unknown _) {
      return Optional.empty();
    }
  }

  /**
   * Ends a pass: what was measured is known from here on.
   *
   * @return whether anything was, so that another pass is needed
   */
  public boolean settle() {
    boolean any = !measured.isEmpty();
    known.putAll(measured);
    measured.clear();
    return any;
  }

  /** A tile's input of a norm, {@code [1, H, W, C]}, normalized. */
  Tensor normalize(GroupNorm norm, Tensor x, boolean silu) {
    Moments all = known.get(norm);
    if (all != null) {
      return Scope.tidy(() -> norm.apply(x, all.statistics(x.device(), norm.eps()), silu));
    }
    try (Scope _ = Scope.open()) {
      measured.computeIfAbsent(norm, n -> new Moments(n.groups())).add(rows.of(x), norm.eps());
    }
    throw new Unknown();
  }
}
