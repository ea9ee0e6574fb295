package nacre.nn;

import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.MatrixProduct.matmul;
import static nacre.tensor.ops.Reshape.reshape;
import static nacre.tensor.ops.Slice.slice;

import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The position embeddings of a {@link Vit}: one vector for the class token and one for each patch
 * of a square grid, {@code [1, 1 + grid², C]}. For images of another size the grid is interpolated
 * as PyTorch's {@code interpolate(mode="bicubic")} does (Keys, 1981, with a = −0.75; edges repeat),
 * as with transformers' {@code interpolate_pos_encoding}.
 */
final class PatchPositions {
  private static final double A = -0.75;

  private final Tensor positions;
  private final int grid;

  PatchPositions(Parameters p, int grid, int width) {
    this.grid = grid;
    this.positions =
        p.parameter("position_embeddings", Shape.of(1, 1 + grid * grid, width), Vit.INITIALIZER);
  }

  /** For an image of {@code rows × columns} patches: {@code [1, 1 + rows · columns, C]}. */
  Tensor of(int rows, int columns) {
    if (rows == grid && columns == grid) {
      return positions;
    }
    int width = positions.dim(2);
    // In f32 whatever they are stored in: interpolation weights do not survive rounding.
    Tensor exact = cast(positions, DType.F32);
    Tensor patches = reshape(slice(exact, 1, 1, grid * grid), grid * grid, width);
    Tensor moved = matmul(interpolation(rows, columns), patches); // [rows · columns, C]
    return concat(1, slice(exact, 1, 0, 1), reshape(moved, 1, rows * columns, width));
  }

  /** The interpolation as a matrix, {@code [rows · columns, grid²]}. */
  private Tensor interpolation(int rows, int columns) {
    float[][] down = along(rows);
    float[][] across = along(columns);
    float[] matrix = new float[rows * columns * grid * grid];
    int at = 0;
    for (float[] y : down) {
      for (float[] x : across) {
        for (float wy : y) {
          for (float wx : x) {
            matrix[at++] = wy * wx;
          }
        }
      }
    }
    return Tensor.of(positions.device(), Shape.of(rows * columns, grid * grid), matrix);
  }

  /** The weight of each grid position for each of {@code count} positions, along one axis. */
  private float[][] along(int count) {
    float[][] weights = new float[count][grid];
    for (int i = 0; i < count; i++) {
      double place = (i + 0.5) * grid / count - 0.5;
      int left = (int) Math.floor(place);
      for (int tap = -1; tap <= 2; tap++) {
        int from = Math.clamp(left + tap, 0, grid - 1);
        weights[i][from] += (float) cubic(Math.abs(place - (left + tap)));
      }
    }
    return weights;
  }

  private static double cubic(double distance) {
    double d = distance;
    return d <= 1
        ? ((A + 2) * d - (A + 3)) * d * d + 1
        : d < 2 ? ((A * d - 5 * A) * d + 8 * A) * d - 4 * A : 0;
  }
}
