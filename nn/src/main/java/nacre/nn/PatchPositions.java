package nacre.nn;

import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.MatrixProduct.matmul;
import static nacre.tensor.ops.Reshape.reshape;
import static nacre.tensor.ops.Slice.slice;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The position embeddings of a {@link Vit}: one vector for the class token and one for each patch
 * of a square grid, {@code [1, 1 + grid², C]}, or as a table without the first axis. For images of
 * another size the grid is interpolated as PyTorch's {@code interpolate(mode="bicubic")} does
 * (Keys, 1981, with a = −0.75; edges repeat), as with transformers' {@code
 * interpolate_pos_encoding}. DINOv2 with registers does so with {@code antialias=True}: a = −0.5,
 * the kernel widened where the grid shrinks, and what lies outside left out.
 */
final class PatchPositions {
  private final Tensor positions;
  private final int grid;
  private final int width;
  private final boolean antialias;
  private final Map<List<Integer>, Tensor> prepared = new HashMap<>();

  PatchPositions(Parameters p, VitConfig config) {
    this.grid = config.grid();
    this.width = config.hiddenSize();
    this.antialias = config.family() == VitFamily.DINOV2_WITH_REGISTERS;
    int count = 1 + grid * grid;
    String name = config.names().positions();
    this.positions =
        switch (config.family()) {
          case CLIP -> p.parameter(name, Shape.of(count, width), Vit.INITIALIZER);
          case VIT_MAE ->
              p.frozen()
                  .parameter(name, Shape.of(1, count, width), new Initializer.SineCosine(grid));
          case VIT, DINOV2, DINOV2_WITH_REGISTERS ->
              p.parameter(name, Shape.of(1, count, width), Vit.INITIALIZER);
        };
  }

  /** For an image of {@code rows × columns} patches: {@code [1, 1 + rows · columns, C]}. */
  Tensor of(int rows, int columns) {
    Tensor sequence =
        positions.shape().rank() == 3 ? positions : reshape(positions, 1, 1 + grid * grid, width);
    if (rows == grid && columns == grid) {
      return sequence;
    }
    // In f32 whatever they are stored in: interpolation weights do not survive rounding.
    Tensor exact = cast(sequence, DType.F32);
    Tensor patches = reshape(slice(exact, 1, 1, grid * grid), grid * grid, width);
    Tensor ready = prepared.get(List.of(rows, columns));
    Tensor weights = ready != null ? ready : interpolation(rows, columns);
    Tensor moved = matmul(weights, patches); // [rows · columns, C]
    return concat(1, slice(exact, 1, 0, 1), reshape(moved, 1, rows * columns, width));
  }

  /**
   * Brings to the device what {@link #of} needs for such an image, so that it needs nothing of the
   * host then. It belongs to the current scope.
   */
  void prepare(int rows, int columns) {
    if (rows != grid || columns != grid) {
      prepared.put(List.of(rows, columns), interpolation(rows, columns));
    }
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
    float[][] weights = new float[count][];
    for (int i = 0; i < count; i++) {
      double place = (i + 0.5) * grid / count - 0.5;
      weights[i] = antialias ? smooth(place, count) : sharp(place);
    }
    return weights;
  }

  /** The four nearest; those outside count for the edge. */
  private float[] sharp(double place) {
    float[] weights = new float[grid];
    int left = (int) Math.floor(place);
    for (int tap = -1; tap <= 2; tap++) {
      int from = Math.clamp(left + tap, 0, grid - 1);
      weights[from] += (float) cubic(Math.abs(place - (left + tap)), -0.75);
    }
    return weights;
  }

  /** All that the kernel covers, whose weights are made to sum to 1. */
  private float[] smooth(double place, int count) {
    double stretch = Math.max(1, (double) grid / count);
    double[] weights = new double[grid];
    double sum = 0;
    for (int from = 0; from < grid; from++) {
      weights[from] = cubic(Math.abs(place - from) / stretch, -0.5);
      sum += weights[from];
    }
    float[] shares = new float[grid];
    for (int from = 0; from < grid; from++) {
      shares[from] = (float) (weights[from] / sum);
    }
    return shares;
  }

  private static double cubic(double d, double a) {
    return d <= 1
        ? ((a + 2) * d - (a + 3)) * d * d + 1
        : d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
  }
}
