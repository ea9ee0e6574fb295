package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.Arrays;
import java.util.Map;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Interpolated positions against {@code torch.nn.functional.interpolate(mode="bicubic",
 * align_corners=False)} in double precision, of a grid whose element i is ((7 i) mod 11 − 5) / 4.
 */
class PatchPositionsTest {
  private static final Device CPU = Device.cpu();

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  /** The second channel is twice the first; the class token, (8, 9), stays as it is. */
  private static void assertInterpolates(int grid, int rows, int columns, double... wanted) {
    assertInterpolates("vit", grid, rows, columns, wanted);
  }

  /** As the only layerless model of a family, with patches of one pixel. */
  private static VitConfig config(String modelType, int grid, int width) {
    return VitConfig.of(
        JsonNodeFactory.instance
            .objectNode()
            .put("model_type", modelType)
            .put("hidden_size", width)
            .put("num_attention_heads", 1)
            .put("image_size", grid)
            .put("patch_size", 1));
  }

  private static void assertInterpolates(
      String modelType, int grid, int rows, int columns, double... wanted) {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 1);
      PatchPositions positions = new PatchPositions(p, config(modelType, grid, 2));
      float[] values = new float[2 + 2 * grid * grid];
      values[0] = 8;
      values[1] = 9;
      for (int i = 0; i < grid * grid; i++) {
        values[2 + 2 * i] = ((7 * i) % 11 - 5) / 4f;
        values[3 + 2 * i] = 2 * values[2 + 2 * i];
      }
      p.all().values().iterator().next().copyFrom(values);
      Tensor moved = positions.of(rows, columns);
      assertEquals(Shape.of(1, 1 + rows * columns, 2), moved.shape());
      positions.prepare(rows, columns);
      assertArrayEquals(moved.toFloats(), positions.of(rows, columns).toFloats());
      float[] expected = new float[2 + 2 * wanted.length];
      expected[0] = 8;
      expected[1] = 9;
      for (int i = 0; i < wanted.length; i++) {
        expected[2 + 2 * i] = (float) wanted[i];
        expected[3 + 2 * i] = (float) (2 * wanted[i]);
      }
      assertArrayEquals(expected, moved.toFloats(), 5e-6f);
    }
  }

  @Test
  void growsBothWays() {
    assertInterpolates(
        2, 3, 5, -1.508042, -1.171604, -0.440104, 0.291396, 0.627833, -1.067938, -0.7315, 0, 0.7315,
        1.067938, -0.627833, -0.291396, 0.440104, 1.171604, 1.508042);
  }

  @Test
  void shrinksBothWays() {
    assertInterpolates(4, 2, 3, -0.37698, 0.026611, 0.699354, -0.278402, 0.477295, -0.471634);
  }

  @Test
  void growsOneWay() {
    assertInterpolates(
        3, 3, 4, -1.37561, -0.020752, 0.331909, -0.571777, 1.321777, 0.720215, -0.220215, -0.821777,
        1.071777, 0.470215, -0.470215, -1.071777);
  }

  /** As with {@code antialias=True}. */
  @Test
  void registersComeWithAnotherKernel() {
    String registers = "dinov2_with_registers";
    assertInterpolates(
        registers, 4, 2, 3, -0.460172, 0.084947, 0.358764, -0.147380, 0.346054, -0.198945);
    assertInterpolates(
        registers, 3, 5, 4, -1.540939, -0.141620, 0.282962, -0.533371, -0.402971, 0.200501,
        0.105368, -0.628731, 1.302239, 0.693405, -0.193405, -0.802239, 1.258298, 0.565857,
        -0.375551, -0.975746, 1.033371, 0.424537, -0.462273, -1.071107);
    assertInterpolates(
        registers, 5, 2, 7, -0.885541, -0.190135, 0.296418, 0.014418, -0.151303, 0.227102, 0.730921,
        0.380204, -0.294495, -0.559809, 0.117099, 0.059825, -0.138310, -0.291086);
  }

  /** The values that transformers' build_2d_sinusoidal_position_embedding has, halves swapped. */
  @Test
  void maesPositionsBeginAsSinesAndCosinesAndStay() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 1);
      Tensor positions = new PatchPositions(p, config("vit_mae", 2, 8)).of(2, 2);
      float s = 0.841471f;
      float c = 0.540302f;
      assertArrayEquals(
          new float[] {
            0, 0, 0, 0, 0, 0, 0, 0, //
            0, 0, 1, 1, 0, 0, 1, 1, //
            s, 0.01f, c, 0.99995f, 0, 0, 1, 1, //
            0, 0, 1, 1, s, 0.01f, c, 0.99995f, //
            s, 0.01f, c, 0.99995f, s, 0.01f, c, 0.99995f
          },
          positions.toFloats(),
          1e-6f);
      assertEquals(Map.of(), p.trainable());
    }
  }

  @Test
  void theConfiguredSizeIsTheParameterItself() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 1);
      PatchPositions positions = new PatchPositions(p, config("vit", 2, 3));
      assertSame(p.all().values().iterator().next(), positions.of(2, 2));
      assertEquals(Shape.of(1, 9, 3), positions.of(2, 4).shape());
      assertEquals(Shape.of(1, 9, 3), positions.of(4, 2).shape());
      float[] wide = positions.of(2, 4).toFloats();
      float[] high = positions.of(4, 2).toFloats();
      assertEquals(false, Arrays.equals(wide, high));
    }
  }
}
