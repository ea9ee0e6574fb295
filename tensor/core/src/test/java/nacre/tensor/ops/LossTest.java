package nacre.tensor.ops;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.Stream;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Losses, maxima, choices and dropout: numbers that can be worked out by hand, and refusals. */
@Tag("backend")
class LossTest {
  private Scope scope;

  static Stream<Device> devices() {
    return TestDevices.underTest().stream();
  }

  @BeforeEach
  void open() {
    Memory.poisonNewTensors(true);
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
    Memory.poisonNewTensors(false);
    assertEquals(0, Memory.liveTensors(), "live tensors");
  }

  private static Tensor of(Device device, float... values) {
    return Tensor.of(device, Shape.of(values.length), values);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void crossEntropyIsStableAndExact(Device device) {
    Tensor logits = Tensor.of(device, Shape.of(2, 3), new float[] {1000, 1000, 1000, -5e4f, 3, 3});
    Tensor targets = Tensor.ofInts(device, Shape.of(2), 1, 2);
    double expected = (Math.log(3) + Math.log(2)) / 2;
    assertEquals(expected, CrossEntropy.crossEntropy(logits, targets).item(), 1e-6);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void errorsOfThreeKinds(Device device) {
    Tensor a = of(device, 0, 1, 2, -3);
    Tensor b = of(device, 0.5f, 1, 0, 1);
    assertEquals(6.5 / 4, AbsoluteError.meanAbsoluteError(a, b).item(), 1e-6);
    // 0.125, 0, 2 − 0.5, 4 − 0.5
    assertEquals(5.125 / 4, HuberLoss.huberLoss(a, b, 1).item(), 1e-6);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void mishOfWhatOneKnows(Device device) {
    float[] y = Mish.mish(of(device, 0, 1, -30, 40)).toFloats();
    assertArrayEquals(new float[] {0, 0.86509839f, 0, 40}, y, 1e-5f);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void equalsShareTheGradientOfTheLargest(Device device) {
    Tensor x = of(device, 1, 3, 3, 2).track();
    try (Tape tape = Tape.open()) {
      Tensor y = Reduce.max(x);
      assertEquals(3, y.item());
      Gradients gradients = tape.backward(y);
      assertArrayEquals(new float[] {0, 0.5f, 0.5f, 0}, gradients.of(x).toFloats());
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void argmaxTakesTheFirst(Device device) {
    Tensor x = Tensor.of(device, Shape.of(2, 3), new float[] {1, 7, 7, -1, -2, Float.NaN});
    Tensor at = Argmax.argmax(x);
    assertEquals(DType.I32, at.dtype());
    assertArrayEquals(new float[] {1, 2}, Cast.cast(at, DType.F32).toFloats());
  }

  @ParameterizedTest
  @MethodSource("devices")
  void whereLetsNoOtherNumberThrough(Device device) {
    Tensor x = of(device, -1, 0, 4).track();
    try (Tape tape = Tape.open()) {
      Tensor zero = Tensor.zeros(device, DType.F32, Shape.of());
      Tensor positive = Comparison.less(zero, x);
      Tensor y = Where.where(positive, Activation.sqrt(x), zero);
      assertArrayEquals(new float[] {0, 0, 2}, y.toFloats());
      assertNull(tape.backward(Reduce.sum(y)).of(positive));
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void dropoutIsTheSameOnEveryDevice(Device device) {
    Shape shape = Shape.of(101, 99);
    float[] ones = new float[(int) shape.elements()];
    Arrays.fill(ones, 1);
    float[] y = Dropout.dropout(Tensor.of(device, shape, ones), 0.25, 3, 5).toFloats();
    float[] reference =
        Dropout.dropout(Tensor.of(Device.reference(), shape, ones), 0.25, 3, 5).toFloats();
    int dropped = 0;
    for (int i = 0; i < y.length; i++) {
      assertEquals(reference[i] == 0, y[i] == 0, "element " + i);
      assertTrue(y[i] == 0 || Math.abs(y[i] - 4 / 3f) < 1e-6);
      dropped += y[i] == 0 ? 1 : 0;
    }
    assertEquals(0.25, (double) dropped / y.length, 0.015); // 3.5 standard deviations
    float[] other = Dropout.dropout(Tensor.of(device, shape, ones), 0.25, 3, 6).toFloats();
    assertFalse(Arrays.equals(y, other), "another stream drops others");
  }

  private static Tensor f32(int... dims) {
    return Tensor.zeros(Device.reference(), DType.F32, Shape.of(dims));
  }

  private static void assertRefused(String message, Executable operation) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, operation).getMessage());
  }

  /** Half the square, however far away the straight part begins. */
  @ParameterizedTest
  @MethodSource("devices")
  void huberLossOfALargeDelta(Device device) {
    assertEquals(0.5, HuberLoss.huberLoss(of(device, 1), of(device, 2), 1e8).item(), 1e-6);
  }

  @Test
  void whatDoesNotFitIsRefused() {
    Tensor targets = Tensor.ofInts(Device.reference(), Shape.of(2), 0, 1);
    assertRefused(
        "crossEntropy: logits f32[3, 4]@reference and targets i32[2]@reference want shapes [.., C]"
            + " and [..], with an element at least",
        () -> CrossEntropy.crossEntropy(f32(3, 4), targets));
    assertRefused(
        "crossEntropy: targets f32[2]@reference want dtype i32 or i64",
        () -> CrossEntropy.crossEntropy(f32(2, 4), f32(2)));
    assertThrows(
        IndexOutOfBoundsException.class, () -> CrossEntropy.crossEntropy(f32(2, 1), targets));
    assertRefused("dropout: p = 1.5 is no probability", () -> Dropout.dropout(f32(2), 1.5, 1, 1));
    assertRefused(
        "where: mask i32[2]@reference wants dtype u8 or f32, that of f32[2]@reference",
        () -> Where.where(targets, f32(2), f32(2)));
    assertRefused(
        "argmax: the last axis of f32[2, 0]@reference has no elements",
        () -> Argmax.argmax(f32(2, 0)));
    assertRefused(
        "huberLoss: delta = 0.0 is not above zero", () -> HuberLoss.huberLoss(f32(2), f32(2), 0));
    assertRefused(
        "meanAbsoluteError: shapes of f32[2]@reference and f32[3]@reference must be equal",
        () -> AbsoluteError.meanAbsoluteError(f32(2), f32(3)));
  }

  /** f16 ends at 65,504, and counts beyond 2,048 are rounded: the shares were zero, or off. */
  @ParameterizedTest
  @MethodSource("devices")
  void equalsShareTheGradientOfAMaximumInF16(Device device) {
    for (int ties : new int[] {2049, 65_520, 100_000}) {
      try (Scope _ = Scope.open();
          Tape tape = Tape.open()) {
        Tensor x = Tensor.full(device, DType.F16, Shape.of(ties), 1).track();
        Tensor loss = Affine.scale(Reduce.max(x), 30_000);
        Tensor gradient = tape.backward(loss).of(x);
        float share = Float.float16ToFloat(Float.floatToFloat16(30_000f / ties));
        for (float g : gradient.toFloats()) {
          assertEquals(share, g, device + " " + ties);
        }
      }
    }
  }
}
