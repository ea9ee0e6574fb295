package nacre.tensor.oracle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.spi.AdamWConstants;
import nacre.tensor.spi.AdamWTensors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** AdamW on parameters in bf16 whose steps are smaller than what bf16 resolves, on every device. */
@Tag("oracle")
class RoundedParametersTest {
  private static final int COUNT = 40_007;
  private static final double SPACING = 1.0 / 128; // of bf16 from 1 to 2
  private static final double STEP = 0.3 * SPACING;

  /** AdamW without memory: a step is the learning rate, in the gradient's direction. */
  private static AdamWConstants signs(long seed) {
    return new AdamWConstants(0, 0, 1e-8, 0, Double.POSITIVE_INFINITY, 1, seed);
  }

  private static List<Device> devices() {
    List<Device> devices = new ArrayList<>(TestDevices.backends());
    devices.add(Device.reference());
    return devices;
  }

  private static float[] after(Device device, int steps, boolean compensated, long seed) {
    try (Scope _ = Scope.open()) {
      Tensor p = Tensor.full(device, DType.BF16, Shape.of(COUNT), 1.5);
      Tensor rest = Tensor.zeros(device, DType.BF16, p.shape());
      Tensor g = Tensor.full(device, DType.BF16, p.shape(), 1);
      Tensor m = Tensor.zeros(device, DType.F32, p.shape());
      Tensor v = Tensor.zeros(device, DType.F32, p.shape());
      Tensor count = Tensor.zeros(device, DType.I32, Shape.of(1));
      Tensor rate = Tensor.full(device, DType.F32, Shape.of(), STEP);
      AdamWTensors tensors =
          new AdamWTensors(
              List.of(p),
              compensated ? List.of(rest) : List.of(),
              List.of(g),
              List.of(m),
              List.of(v),
              List.of(),
              List.of(),
              List.of(count));
      for (int step = 0; step < steps; step++) {
        device.backend().adamW(tensors, null, rate, signs(seed));
      }
      return p.toFloats();
    }
  }

  private static double mean(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum / values.length;
  }

  @Test
  void stochasticRoundingIsRightOnAverage() {
    for (Device device : devices()) {
      float[] once = after(device, 1, false, 5);
      int moved = 0;
      for (float value : once) {
        assertTrue(value == 1.5f || value == 1.5f - (float) SPACING, device + ": " + value);
        moved += value < 1.5f ? 1 : 0;
      }
      double deviation = Math.sqrt(0.3 * 0.7 / COUNT);
      assertEquals(0.3, moved / (double) COUNT, 4 * deviation, device.toString());
      double deviations = SPACING * Math.sqrt(20 * 0.3 * 0.7 / COUNT);
      double mean = mean(after(device, 20, false, 5));
      assertEquals(1.5 - 20 * STEP, mean, 4 * deviations, device.toString());
    }
  }

  @Test
  void compensationLosesNoStep() {
    for (Device device : devices()) {
      for (float value : after(device, 20, true, 5)) {
        assertEquals(1.5 - 20 * STEP, value, 0.51 * SPACING, device.toString());
      }
    }
  }

  @Test
  void roundingIsOfSeedAndStepAloneAndTheSameOnEveryDevice() {
    float[] plain = after(Device.reference(), 1, false, 5);
    for (Device device : devices()) {
      assertArrayEquals(plain, after(device, 1, false, 5), device.toString());
      assertFalse(Arrays.equals(plain, after(device, 1, false, 6)), device.toString());
      assertFalse(Arrays.equals(plain, after(device, 1, false, 5L + (1L << 40))));
    }
  }

  /** All but those that f32 and f64 put on different sides of a random number. */
  @Test
  void ordinaryStepsRoundToTheSameNumbersOnEveryDevice() {
    float[] plain = ordinary(Device.reference());
    for (Device device : TestDevices.backends()) {
      float[] other = ordinary(device);
      int same = 0;
      for (int i = 0; i < COUNT; i++) {
        same += plain[i] == other[i] ? 1 : 0;
      }
      assertTrue(same > 0.999 * COUNT, device + ": " + same + " of " + COUNT);
    }
  }

  private static float[] ordinary(Device device) {
    Random random = new Random(3);
    float[] values = new float[COUNT];
    float[] slopes = new float[COUNT];
    for (int i = 0; i < COUNT; i++) {
      values[i] = (float) random.nextGaussian();
      slopes[i] = (float) random.nextGaussian();
    }
    try (Scope _ = Scope.open()) {
      Tensor wide = Tensor.of(device, Shape.of(COUNT), values);
      Tensor p = Tensor.empty(device, DType.BF16, wide.shape());
      device.backend().cast(wide, p);
      Tensor g = Tensor.of(device, wide.shape(), slopes);
      Tensor m = Tensor.zeros(device, DType.BF16, p.shape());
      Tensor v = Tensor.zeros(device, DType.BF16, p.shape());
      Tensor count = Tensor.zeros(device, DType.I32, Shape.of(1));
      Tensor rate = Tensor.full(device, DType.F32, Shape.of(), 1e-3);
      device
          .backend()
          .adamW(
              new AdamWTensors(List.of(p), List.of(g), List.of(m), List.of(v), List.of(count)),
              null,
              rate,
              new AdamWConstants(0.9, 0.999, 1e-8, 0.01, Double.POSITIVE_INFINITY, 1, 7));
      return p.toFloats();
    }
  }
}
