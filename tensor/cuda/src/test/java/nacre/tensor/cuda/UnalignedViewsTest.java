package nacre.tensor.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.function.IntUnaryOperator;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Views of rows that begin where nothing but an element may be read. */
@Tag("cuda")
class UnalignedViewsTest {
  private Device gpu;

  @BeforeEach
  void open() {
    gpu = TestDevices.gpu().orElse(null);
    assumeTrue(gpu != null, "no GPU, and no simulated one");
  }

  @Test
  void aSliceOfAnOddRow() {
    try (Scope _ = Scope.open()) {
      Tensor odd = counted(DType.BF16, 41).rows(1, 41);
      Tensor y = Tensor.empty(gpu, DType.BF16, Shape.of(16));
      gpu.backend().slice(odd, new int[] {8}, y);
      assertArrayEquals(floats(16, i -> i + 9), y.toFloats());
    }
  }

  @Test
  void intoAnOddRow() {
    try (Scope _ = Scope.open()) {
      Tensor y = Tensor.zeros(gpu, DType.F32, Shape.of(17));
      gpu.backend().slice(counted(DType.F32, 32), new int[] {8}, y.rows(1, 17));
      assertArrayEquals(floats(17, i -> i == 0 ? 0 : i + 7), y.toFloats());
    }
  }

  /** cuBLASLt's algorithms depend on where the bias begins, and are kept from call to call. */
  @Test
  void biasesThatBeginElsewhere() {
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.full(gpu, DType.F32, Shape.of(8, 16), 1);
      Tensor all = counted(DType.F32, 20);
      for (int first : new int[] {0, 1, 2, 0}) {
        Tensor y = Tensor.empty(gpu, DType.F32, Shape.of(8, 8));
        gpu.backend().matmul(x, false, x, true, all.rows(first, first + 8), null, y);
        assertArrayEquals(floats(64, i -> 16 + first + i % 8), y.toFloats());
      }
    }
  }

  private static float[] floats(int n, IntUnaryOperator value) {
    float[] all = new float[n];
    for (int i = 0; i < n; i++) {
      all[i] = value.applyAsInt(i);
    }
    return all;
  }

  private Tensor counted(DType dtype, int n) {
    Tensor f32 = Tensor.of(gpu, Shape.of(n), floats(n, i -> i));
    if (dtype == DType.F32) {
      return f32;
    }
    Tensor other = Tensor.empty(gpu, dtype, Shape.of(n));
    gpu.backend().cast(f32, other);
    return other;
  }
}
