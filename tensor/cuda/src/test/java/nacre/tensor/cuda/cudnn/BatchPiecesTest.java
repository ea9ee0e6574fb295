package nacre.tensor.cuda.cudnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.cuda.driver.CudaAllocator;
import nacre.tensor.cuda.driver.CudaDevice;
import nacre.tensor.cuda.driver.LibraryPolicy;
import nacre.tensor.spi.AttentionGradients;
import nacre.tensor.spi.AttentionInputs;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention's gradient of a batch that is too large to be computed as one. */
@Tag("cuda")
class BatchPiecesTest {
  private static final long ALL = Long.MAX_VALUE;

  /** Queries, and scores at a time; the last has states of 20 bytes, which go by four. */
  @ParameterizedTest
  @CsvSource({"8, 1", "8, 200", "5, 1"})
  void piecesGiveTheBitsOfTheWhole(int queries, long mostScores) {
    Device gpu = TestDevices.gpu().orElse(null);
    assumeTrue(gpu != null, "no GPU, and no simulated one");
    List<float[]> whole = gradients(gpu, queries, ALL);
    List<float[]> pieces = gradients(gpu, queries, mostScores);
    assertEquals(3, whole.size());
    for (int i = 0; i < whole.size(); i++) {
      assertArrayEquals(whole.get(i), pieces.get(i));
    }
  }

  private static List<float[]> gradients(Device gpu, int queries, long mostScores) {
    List<String> refused = new ArrayList<>();
    CudaDevice device = CudaDevice.open(0);
    CudnnLibrary library =
        new CudnnLibrary(
            device,
            new CudaAllocator(device),
            LibraryPolicy.plain((what, why) -> refused.add(why)),
            mostScores);
    Shape q = Shape.of(5, queries, 1, 16);
    Shape k = Shape.of(5, 9, 1, 16);
    try (Scope _ = Scope.open()) {
      Tensor[] in = {random(gpu, q, 1), random(gpu, k, 2), random(gpu, k, 3), random(gpu, q, 4)};
      Tensor y = Tensor.empty(gpu, DType.BF16, q);
      Tensor state = Tensor.empty(gpu, DType.F32, Shape.of(5, 1, queries));
      Tensor[] out = {
        Tensor.full(gpu, DType.BF16, q, 7),
        Tensor.full(gpu, DType.BF16, k, 7),
        Tensor.full(gpu, DType.BF16, k, 7)
      };
      AttentionInputs operands = new AttentionInputs(in[0], in[1], in[2], 0.25, false);
      in[0].toFloats(); // the library's stream is another: what was asked for must be there
      assertTrue(library.attention(operands, y, state), refused.toString());
      assertTrue(
          library.attentionBackward(
              operands, y, in[3], state, new AttentionGradients(out[0], out[1], out[2])),
          refused.toString());
      device.synchronize();
      List<float[]> gradients = new ArrayList<>();
      for (Tensor each : out) {
        gradients.add(each.toFloats());
      }
      return gradients;
    }
  }

  private static Tensor random(Device gpu, Shape shape, long stream) {
    Tensor normal = Tensor.empty(gpu, DType.F32, shape);
    gpu.backend().normal(1, stream, normal);
    Tensor rounded = Tensor.empty(gpu, DType.BF16, shape);
    gpu.backend().cast(normal, rounded);
    return rounded;
  }
}
