package nacre.tensor;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Linear.linear;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import nacre.tensor.spi.Unary;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A step that is run again and again, on every device. */
@Tag("backend")
class CapturedStepTest {
  static List<Device> devices() {
    return TestDevices.underTest();
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  /** A few operations that take memory of their own, on a tensor of changing numbers. */
  private static Tensor work(Tensor x, Tensor w) {
    try (Scope scope = Scope.open()) {
      Tensor h = linear(x, w, null, Unary.SILU);
      return scope.keep(linear(add(multiply(h, h), h), w, null));
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void givesTheSameBitsAsWorkThatIsNot(Device device) {
    try (Scope _ = Scope.open()) {
      Tensor w = Tensor.empty(device, DType.F32, Shape.of(16, 16));
      device.backend().normal(1, 0, w);
      Tensor x = w.like(Shape.of(5, 16));
      try (CapturedStep repeated = CapturedStep.of(device, () -> work(x, w))) {
        for (int i = 0; i < 5; i++) {
          device.backend().normal(2, i, x);
          float[] wanted = work(x, w).toFloats();
          long live = Memory.liveTensors();
          assertArrayEquals(wanted, repeated.run().toFloats());
          assertEquals(i == 0 ? live + 1 : live, Memory.liveTensors());
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void whatIsWrittenInPlaceStays(Device device) {
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.of(device, Shape.of(2), 1, -1);
      try (CapturedStep doubling =
          CapturedStep.of(
              device,
              () -> {
                device.backend().affine(x, 2, 0, x);
                return null;
              })) {
        for (int i = 0; i < 5; i++) {
          doubling.run();
        }
      }
      assertArrayEquals(new float[] {32, -32}, x.toFloats());
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void aResultThatIsKeptOutlivesIt(Device device) {
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.of(device, Shape.of(2), 3, 4);
      Tensor kept;
      try (CapturedStep repeated = CapturedStep.of(device, () -> multiply(x, x))) {
        repeated.run();
        repeated.run();
        kept = repeated.run().detach();
      }
      Tensor other = Tensor.full(device, DType.F32, Shape.of(2), 7);
      assertArrayEquals(new float[] {9, 16}, kept.toFloats());
      assertArrayEquals(new float[] {7, 7}, other.toFloats());
    }
  }

  /** A log line in a step must neither fail it nor wait for what the GPU has not yet begun. */
  @ParameterizedTest
  @MethodSource("devices")
  void aTextInsideReadsNothingThatIsBeingCaptured(Device device) {
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.of(device, Shape.of(2), 3, 4);
      try (CapturedStep step =
          CapturedStep.of(
              device,
              () -> {
                Tensor y = multiply(x, x);
                assertTrue(y.toString().startsWith(y.describe()), y::describe);
                return y;
              })) {
        for (int i = 0; i < 3; i++) {
          assertEquals("f32[2]@" + device + " [9, 16]", step.run().toString());
        }
      }
    }
  }
}
