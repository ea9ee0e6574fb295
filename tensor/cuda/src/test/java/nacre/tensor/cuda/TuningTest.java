package nacre.tensor.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.regex.Pattern;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Setting;
import nacre.tensor.Settings;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Products by the algorithm that was fastest, where {@code nacre.tune} asks for it. */
@Tag("cuda")
class TuningTest {
  private static final Pattern CHOICE =
      Pattern.compile("tuned: .*the fastest of (\\d+) algorithms is number (\\d+), .*");

  @Test
  void eachProductIsTimedOnceAndComputedRightly() {
    assumeTrue(TestDevices.gpu().isPresent(), "no GPU, and no simulated one");
    Device tuned = Device.of("cuda", Settings.ofProcess().with(Setting.TUNE, "on"));
    assertArrayEquals(product(Device.reference()), product(tuned));
    assertArrayEquals(product(Device.reference()), product(tuned));
    List<String> choices =
        tuned.backend().explain().stream().filter(line -> line.startsWith("tuned: ")).toList();
    assertEquals(1, choices.size(), choices.toString());
    assertTrue(CHOICE.matcher(choices.getFirst()).matches(), choices.getFirst());
  }

  /** Of small whole numbers, so that the order of a sum does not show. */
  private static float[] product(Device device) {
    final int m = 24;
    final int k = 40;
    final int n = 16;
    try (Scope _ = Scope.open()) {
      Tensor a = Tensor.of(device, Shape.of(m, k), numbers(m * k, 7));
      Tensor b = Tensor.of(device, Shape.of(k, n), numbers(k * n, 5));
      Tensor y = Tensor.empty(device, a.dtype(), Shape.of(m, n));
      device.backend().matmul(a, false, b, false, null, null, y);
      return y.toFloats();
    }
  }

  private static float[] numbers(int count, int cycle) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = i % cycle - cycle / 2;
    }
    return numbers;
  }
}
