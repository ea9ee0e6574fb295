package nacre.tensor.cuda.cudnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.DeviceMemoryException;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.cuda.SimulatorSetting;
import nacre.tensor.cuda.driver.CudaAllocator;
import nacre.tensor.cuda.driver.CudaDevice;
import nacre.tensor.cuda.driver.LibraryPolicy;
import nacre.tensor.spi.AttentionGradients;
import nacre.tensor.spi.AttentionInputs;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
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

  /** A GPU of 8 GiB keeps what any kept before. */
  @Test
  void moreMemoryMakesLargerPieces() {
    assertEquals(128L << 20, CudnnLibrary.mostScores(8L << 30));
    assertEquals(1280L << 20, CudnnLibrary.mostScores(80L << 30));
  }

  /** 5 entries want 400 KB for their scores, 2 of them 160 KB, one 80 KB. */
  @Test
  void fewerAtATimeIfLessMemoryIsFree() {
    Device gpu = TestDevices.gpu().orElse(null);
    assumeTrue(gpu != null && CudaDevice.isSimulated(), "no simulated GPU");
    Shape q = Shape.of(5, 200, 1, 16);
    Shape k = Shape.of(5, 200, 1, 16);
    List<float[]> whole = gradients(gpu, q, k, ALL, 0);
    List<float[]> pieces = gradients(gpu, q, k, ALL, 330_000);
    for (int i = 0; i < whole.size(); i++) {
      assertArrayEquals(whole.get(i), pieces.get(i));
    }
    assertThrows(DeviceMemoryException.class, () -> gradients(gpu, q, k, ALL, 20_000));
  }

  private static List<float[]> gradients(Device gpu, int queries, long mostScores) {
    return gradients(gpu, Shape.of(5, queries, 1, 16), Shape.of(5, 9, 1, 16), mostScores, 0);
  }

  /**
   * The gradients.
   *
   * @param left bytes that are left free for the workspace; 0 for all
   */
  private static List<float[]> gradients(Device gpu, Shape q, Shape k, long mostScores, long left) {
    List<String> refused = new ArrayList<>();
    CudaDevice device = CudaDevice.open(0);
    CudnnLibrary library =
        new CudnnLibrary(
            device,
            new CudaAllocator(device),
            LibraryPolicy.plain((what, why) -> refused.add(why)),
            mostScores);
    try (Scope _ = Scope.open()) {
      Tensor[] in = {random(gpu, q, 1), random(gpu, k, 2), random(gpu, k, 3), random(gpu, q, 4)};
      Tensor y = Tensor.empty(gpu, DType.BF16, q);
      Tensor state = Tensor.empty(gpu, DType.F32, Shape.of(5, 1, q.dim(1)));
      Tensor[] out = {
        Tensor.full(gpu, DType.BF16, q, 7),
        Tensor.full(gpu, DType.BF16, k, 7),
        Tensor.full(gpu, DType.BF16, k, 7)
      };
      AttentionInputs operands = new AttentionInputs(in[0], in[1], in[2], 0.25, false);
      in[0].toFloats(); // the library's stream is another: what was asked for must be there
      assertTrue(library.attention(operands, y, state), refused.toString());
      try (SimulatorSetting _ = left > 0 ? leaving(gpu, device, left) : null) {
        assertTrue(
            library.attentionBackward(
                operands, y, in[3], state, new AttentionGradients(out[0], out[1], out[2])),
            refused.toString());
        device.synchronize();
      }
      List<float[]> gradients = new ArrayList<>();
      for (Tensor each : out) {
        gradients.add(each.toFloats());
      }
      return gradients;
    }
  }

  private static SimulatorSetting leaving(Device gpu, CudaDevice device, long bytes) {
    gpu.backend().allocator().trim();
    long used = device.totalBytes() - gpu.backend().allocator().availableBytes().orElseThrow();
    return SimulatorSetting.of("NACRE_SIM_MEMORY", Long.toString(used + bytes));
  }

  private static Tensor random(Device gpu, Shape shape, long stream) {
    Tensor normal = Tensor.empty(gpu, DType.F32, shape);
    gpu.backend().normal(1, stream, normal);
    Tensor rounded = Tensor.empty(gpu, DType.BF16, shape);
    gpu.backend().cast(normal, rounded);
    return rounded;
  }
}
