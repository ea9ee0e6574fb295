package nacre.tensor.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.ops.Affine;
import nacre.tensor.spi.Readback;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies to and from a GPU on streams of their own keep the order in which they were asked for. */
@Tag("cuda")
class CopiesTest {
  /** Into the same tensor, while work on what it held before is under way: small and large. */
  @ParameterizedTest
  @ValueSource(ints = {1, 1000, 3_000_000})
  void uploadsComeBehindTheWorkBeforeThem(int elements) {
    Device gpu = TestDevices.gpu().orElse(null);
    assumeTrue(gpu != null, "no GPU, and no simulated one");
    int rounds = elements > 1000 ? 25 : 80; // more blocks than are kept ready
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.empty(gpu, DType.F32, Shape.of(elements));
      List<Readback> later = new ArrayList<>();
      float[] values = new float[elements];
      for (int round = 0; round < rounds; round++) {
        Arrays.fill(values, round);
        x.copyFrom(values);
        Arrays.fill(values, -1); // the host's memory may change at once
        try (Scope _ = Scope.open()) {
          Tensor doubled = Affine.scale(x, 2);
          later.add(gpu.backend().readLater(doubled.rows(elements - 1, elements)));
        }
      }
      for (int round = 0; round < rounds; round++) {
        assertArrayEquals(new float[] {2 * round}, later.get(round).floats());
      }
      float[] last = x.toFloats();
      assertEquals(elements, last.length);
      for (float value : last) {
        assertEquals(rounds - 1, value);
      }
    }
  }
}
