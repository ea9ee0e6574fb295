package nacre.diffusion.vae;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Pad.pad;
import static nacre.tensor.ops.Slice.slice;

import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import nacre.nn.Layer;
import nacre.nn.TiledMoments;
import nacre.nn.TiledMoments.Core;
import nacre.nn.TiledMoments.Span;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Concat;

/**
 * Tiles in which an autoencoder encodes and decodes large images, so that memory is that of a tile.
 * Layers of the latent's size, attention among them, see the whole image; the others go over tiles,
 * which overlap by a quarter at least, where one fades into the other. What normalizes a tile is
 * {@linkplain TiledMoments measured over all of them} beforehand, which takes two passes more.
 *
 * @param side of a tile in pixels, a multiple of the autoencoder's downsampling
 */
public record Tiles(int side) {
  /** The share of a tile that it has in common with its neighbor, at least. */
  private static final int OVERLAPS = 4;

  private static final int LEAST = 32;

  /** How often moments are measured: each time by what was found before. */
  private static final int PASSES = 2;

  /**
   * Checks the size.
   *
   * @throws IllegalArgumentException if it is too small
   */
  public Tiles {
    if (side < LEAST) {
      throw new IllegalArgumentException(
          "tiles: of " + side + " pixels; " + LEAST + " or more are wanted");
    }
  }

  /** As {@link AutoencoderKL#encode}. */
  public LatentDistribution encode(AutoencoderKL vae, Tensor image) {
    int factor = vae.config().downsampling();
    requireMultiple(factor);
    Grid grid = new Grid(side, factor, 1, factor);
    Coder encoder = vae.encoder();
    return grid.holds(image)
        ? vae.encode(image)
        : new LatentDistribution(
            perImage(image, x -> encoder.second().forward(tiled(x, grid, encoder.first()))));
  }

  /** As {@link AutoencoderKL#decode}. */
  public Tensor decode(AutoencoderKL vae, Tensor latent) {
    int factor = vae.config().downsampling();
    requireMultiple(factor);
    Grid grid = new Grid(side / factor, 1, factor, 1);
    Coder decoder = vae.decoder();
    return grid.holds(latent)
        ? vae.decode(latent)
        : perImage(latent, x -> tiled(decoder.first().forward(x), grid, decoder.second()));
  }

  private static Tensor perImage(Tensor all, UnaryOperator<Tensor> coder) {
    return Scope.tidy(
        () -> {
          Tensor[] each = new Tensor[all.dim(0)];
          for (int i = 0; i < each.length; i++) {
            Tensor one = all.rows(i, i + 1);
            each[i] = Scope.tidy(() -> coder.apply(one));
          }
          return Concat.concat(0, each);
        });
  }

  private static Tensor tiled(Tensor x, Grid grid, Layer layers) {
    TiledMoments moments = new TiledMoments();
    for (int pass = 0; pass < PASSES; pass++) {
      measure(moments, x, grid, layers);
    }
    Tensor made = each(x, grid, part -> moments.use(() -> layers.forward(part)));
    return cast(made, x.dtype());
  }

  private static void measure(TiledMoments moments, Tensor x, Grid grid, Layer layers) {
    int[] rows = grid.places(x.dim(1));
    int[] columns = grid.places(x.dim(2));
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < columns.length; j++) {
        var core = new Core(grid.core(rows, i, x.dim(1)), grid.core(columns, j, x.dim(2)));
        int row = rows[i];
        int column = columns[j];
        moments.measure(core, () -> layers.forward(grid.part(x, row, column)));
      }
    }
    moments.settle();
  }

  private void requireMultiple(int factor) {
    if (side % factor != 0) {
      throw new IllegalArgumentException(
          "tiles: of " + side + " pixels; a multiple of " + factor + " is wanted");
    }
  }

  /**
   * How tiles lie.
   *
   * @param side of a tile, as it is taken
   * @param step places of tiles are multiples of it
   * @param up what is made of it is so many times as large
   * @param down and then so many times as small
   */
  record Grid(int side, int step, int up, int down) {
    /** Where tiles begin along a side; the last ends with it. */
    int[] places(int length) {
      int stride = Math.max(step, (side - side / OVERLAPS) / step * step);
      int count = length <= side ? 1 : 1 + Math.ceilDiv(length - side, stride);
      return IntStream.range(0, count)
          .map(i -> Math.min(i * stride, Math.max(0, length - side)))
          .toArray();
    }

    boolean holds(Tensor x) {
      return x.dim(1) <= side && x.dim(2) <= side;
    }

    Tensor part(Tensor x, int row, int column) {
      int height = Math.min(side, x.dim(1));
      int width = Math.min(side, x.dim(2));
      return slice(slice(x, 1, row, height), 2, column, width);
    }

    /** What of a tile is nearer to its middle than to a neighbor's. */
    Span core(int[] places, int tile, int length) {
      int all = Math.min(side, length);
      int begin = places[tile];
      int from = tile == 0 ? 0 : meet(places[tile - 1], begin) - begin;
      boolean last = tile == places.length - 1;
      return new Span(from, last ? all : meet(begin, places[tile + 1]) - begin, all);
    }

    private int meet(int first, int second) {
      return (first + side + second) / 2 / step * step;
    }

    int made(int length) {
      return length * up / down;
    }
  }

  static Tensor each(Tensor x, Grid grid, UnaryOperator<Tensor> coder) {
    if (grid.holds(x)) {
      return coder.apply(x);
    }
    int[] rows = grid.places(x.dim(1));
    int[] columns = grid.places(x.dim(2));
    float[][] down = weights(rows, x.dim(1), grid);
    float[][] across = weights(columns, x.dim(2), grid);
    try (Scope scope = Scope.open()) {
      Tensor sum = null;
      for (int i = 0; i < rows.length; i++) {
        for (int j = 0; j < columns.length; j++) {
          Tensor before = sum;
          int row = rows[i];
          int column = columns[j];
          float[] vertical = down[i];
          float[] horizontal = across[j];
          sum =
              Scope.tidy(
                  () -> {
                    Tensor made = cast(coder.apply(grid.part(x, row, column)), DType.F32);
                    Tensor weighted = multiply(made, outer(x, vertical, horizontal));
                    int top = grid.made(row);
                    int left = grid.made(column);
                    int below = grid.made(x.dim(1)) - top - made.dim(1);
                    int right = grid.made(x.dim(2)) - left - made.dim(2);
                    Tensor placed =
                        pad(weighted, new int[] {0, top, left, 0}, new int[] {0, below, right, 0});
                    return before == null ? placed : add(before, placed);
                  });
          if (before != null) {
            scope.free(before);
          }
        }
      }
      return scope.keep(sum);
    }
  }

  /**
   * The weights of each tile along a side: they rise over an overlap and fall over the next, and
   * add up to one everywhere.
   */
  private static float[][] weights(int[] places, int length, Grid grid) {
    int side = grid.made(Math.min(grid.side, length));
    int overlap = side / OVERLAPS;
    float[][] weights = new float[places.length][side];
    double[] sums = new double[grid.made(length)];
    for (int i = 0; i < places.length; i++) {
      for (int k = 0; k < side; k++) {
        double rise = i == 0 ? 1 : (k + 0.5) / overlap;
        double fall = i == places.length - 1 ? 1 : (side - k - 0.5) / overlap;
        weights[i][k] = (float) Math.min(1, Math.min(rise, fall));
        sums[grid.made(places[i]) + k] += weights[i][k];
      }
    }
    for (int i = 0; i < places.length; i++) {
      for (int k = 0; k < side; k++) {
        weights[i][k] /= (float) sums[grid.made(places[i]) + k];
      }
    }
    return weights;
  }

  /** The products of two sides' weights, {@code f32[1, H, W, 1]}. */
  private static Tensor outer(Tensor like, float[] vertical, float[] horizontal) {
    float[] products = new float[vertical.length * horizontal.length];
    for (int i = 0; i < products.length; i++) {
      products[i] = vertical[i / horizontal.length] * horizontal[i % horizontal.length];
    }
    return Tensor.of(like.device(), Shape.of(1, vertical.length, horizontal.length, 1), products);
  }
}
