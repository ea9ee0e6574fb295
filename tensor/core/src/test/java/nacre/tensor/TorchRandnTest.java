package nacre.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("backend")
class TorchRandnTest {
  /** Below, at and above a block; several draws of one generator. */
  private static final int[] SIZES = {1, 3, 15, 16, 17, 31, 4 * 64 * 64, 999, 2};

  /**
   * Checksums of PyTorch 2.13 on x86-64 with AVX2:
   *
   * <pre>
   * for dtype in (torch.float32, torch.bfloat16, torch.float16):
   *     for seed in (0, 42, 2**32 + 1, -1):
   *         g = torch.Generator().manual_seed(seed)
   *         sizes = (1, 3, 15, 16, 17, 31, 4 * 64 * 64, 999, 2)
   *         drawn = torch.cat([torch.randn(n, generator=g, dtype=dtype).float() for n in sizes])
   *         print(dtype, seed, hex(zlib.crc32(drawn.numpy().tobytes())))
   * </pre>
   */
  @ParameterizedTest
  @CsvSource({
    "F32, 0, 18c1f8e1",
    "F32, 42, 53465fed",
    "F32, 4294967297, e97590e4",
    "F32, -1, 3325c19d",
    "BF16, 0, 0ebb7a07",
    "BF16, 42, 735c15f5",
    "BF16, 4294967297, 4047e6b9",
    "BF16, -1, 447e5022",
    "F16, 0, be143beb",
    "F16, 42, 3b7893b1",
    "F16, 4294967297, 382e09bc",
    "F16, -1, 0f6deac1"
  })
  void equalsPyTorchBitForBit(DType dtype, long seed, String checksum) {
    TorchRandn generator = new TorchRandn(seed);
    CRC32 crc = new CRC32();
    for (int size : SIZES) {
      crc.update(bytes(draw(generator, dtype, size)));
    }
    assertEquals(checksum, "%08x".formatted(crc.getValue()));
  }

  /** {@code torch.randn(1 << 22, generator=torch.Generator().manual_seed(7))}. */
  @Test
  void equalsPyTorchInMillionsOfNumbers() {
    CRC32 crc = new CRC32();
    crc.update(bytes(draw(new TorchRandn(7), DType.F32, 1 << 22)));
    assertEquals("4d1a180c", "%08x".formatted(crc.getValue()));
  }

  @Test
  void refusesWholeNumbers() {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> draw(new TorchRandn(0), DType.I32, 16));
    assertEquals("randn: dtype i32 is not floating", e.getMessage());
  }

  private static float[] draw(TorchRandn generator, DType dtype, int size) {
    try (Scope _ = Scope.open()) {
      return generator.randn(Device.host(), dtype, Shape.of(size)).toFloats();
    }
  }

  private static ByteBuffer bytes(float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes;
  }
}
