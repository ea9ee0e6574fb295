package nacre.diffusion.vae;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Pad.pad;
import static nacre.tensor.ops.Slice.slice;

import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Tiles in which an autoencoder encodes and decodes large images, so that memory is that of a tile.
 * Neighbors overlap by a quarter of a tile at least, where one fades into the other. Each tile is
 * normalized by itself: brightness and color may differ from those of the whole image, slowly from
 * tile to tile.
 *
 * @param side of a tile in pixels, a multiple of the autoencoder's downsampling; best the size that
 *     the autoencoder was trained on
 */
public record Tiles(int side) {
  /** The share of a tile that it has in common with its neighbor, at least. */
  private static final int OVERLAPS = 4;

  private static final int LEAST = 32;

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

  /** As {@link AutoencoderKL#encode}; of larger images than a tile the moments are f32. */
  public LatentDistribution encode(AutoencoderKL vae, Tensor image) {
    int factor = vae.config().downsampling();
    requireMultiple(factor);
    return new LatentDistribution(
        each(image, new Grid(side, factor, 1, factor), x -> vae.encode(x).moments()));
  }

  /** As {@link AutoencoderKL#decode}; larger images than a tile are f32. */
  public Tensor decode(AutoencoderKL vae, Tensor latent) {
    int factor = vae.config().downsampling();
    requireMultiple(factor);
    return each(latent, new Grid(side / factor, 1, factor, 1), vae::decode);
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

    int made(int length) {
      return length * up / down;
    }
  }

  static Tensor each(Tensor x, Grid grid, UnaryOperator<Tensor> coder) {
    if (x.dim(1) <= grid.side && x.dim(2) <= grid.side) {
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
                    int height = Math.min(grid.side, x.dim(1));
                    int width = Math.min(grid.side, x.dim(2));
                    Tensor part = slice(slice(x, 1, row, height), 2, column, width);
                    Tensor made = cast(coder.apply(part), DType.F32);
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
