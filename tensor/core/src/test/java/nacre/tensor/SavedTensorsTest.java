package nacre.tensor;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Reduce.sum;
import static nacre.tensor.ops.Reshape.reshape;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import nacre.tensor.ops.Arithmetic;
import nacre.tensor.spi.AdamWConstants;
import nacre.tensor.spi.AdamWTensors;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Unary;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a tape saved and somebody then wrote is no ground for a gradient, on every device. */
@Tag("backend")
class SavedTensorsTest {

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  static List<Device> devices() {
    return TestDevices.underTest();
  }

  /** Every way to write x [2, 2], by what the error calls it. */
  private static Map<String, Consumer<Tensor>> writers() {
    Map<String, Consumer<Tensor>> writers = new LinkedHashMap<>();
    writers.put("copyFrom", x -> x.copyFrom(new float[] {5, 6, 7, 8}));
    writers.put("upload", x -> x.backend().upload(MemorySegment.ofArray(new float[4]), x));
    writers.put("fill", x -> x.backend().fill(x, 3));
    writers.put("affine", x -> x.backend().affine(x, 2, 1, x));
    writers.put("add", x -> x.backend().binary(Binary.ADD, x, x, x));
    writers.put("relu", x -> x.backend().unary(Unary.RELU, x, x));
    writers.put("normal", x -> x.backend().normal(1, 2, x));
    writers.put("mix", x -> x.backend().mix(x, 0.5, x, 0.25, x));
    writers.put(
        "place", x -> x.backend().place(Tensor.of(x.device(), Shape.of(1, 1), 9), new int[2], x));
    writers.put("cast", x -> x.backend().cast(ones(x, 4), x.view(Shape.of(4))));
    writers.put("geglu", x -> x.backend().geglu(ones(x, 2, 4), x.detach()));
    writers.put("poison", x -> x.backend().poison(x.rows(1, 2)));
    writers.put("softmax", x -> x.backend().softmax(x, reshape(x, 2, 2)));
    writers.put("lerp", x -> lerp(x));
    writers.put("adamW", x -> adamW(x));
    return writers;
  }

  private static Tensor ones(Tensor x, int... dims) {
    return Tensor.full(x.device(), DType.F32, Shape.of(dims), 1);
  }

  private static void lerp(Tensor x) {
    Tensor weight = Tensor.of(x.device(), Shape.of(), 0.5f);
    x.backend().lerp(List.of(x), List.of(ones(x, 2, 2)), weight);
  }

  private static void adamW(Tensor x) {
    Tensor zeros = Tensor.zeros(x.device(), DType.F32, x.shape());
    Tensor more = Tensor.zeros(x.device(), DType.F32, x.shape());
    Tensor steps = Tensor.zeros(x.device(), DType.I32, Shape.of(1));
    Tensor rate = Tensor.of(x.device(), Shape.of(), 0.1f);
    AdamWTensors tensors =
        new AdamWTensors(
            List.of(x), List.of(ones(x, 2, 2)), List.of(zeros), List.of(more), List.of(steps));
    AdamWConstants constants =
        new AdamWConstants(0.9, 0.999, 1e-8, 0.01, Double.POSITIVE_INFINITY, 1, 0);
    x.backend().adamW(tensors, null, rate, constants);
  }

  static Stream<Arguments> writings() {
    return devices().stream()
        .flatMap(device -> writers().keySet().stream().map(name -> Arguments.of(device, name)));
  }

  private static Tensor leaf(Device device) {
    return Tensor.of(device, Shape.of(2, 2), 1, 2, 3, 4).track();
  }

  private static String refused(Tape tape, Tensor loss) {
    return assertThrows(IllegalStateException.class, () -> tape.backward(loss)).getMessage();
  }

  @ParameterizedTest
  @MethodSource("writings")
  void aWriteIsRefusedByTheNamesOfBoth(Device device, String writer) {
    try (Scope _ = Scope.open();
        Tape tape = Tape.open()) {
      Tensor x = leaf(device);
      Tensor loss = sum(multiply(x, x));
      writers().get(writer).accept(x);
      String message = refused(tape, loss);
      assertTrue(message.contains(product().toString()), message);
      assertTrue(message.contains("which " + writer + " has written since"), message);
      assertTrue(message.contains("f32[2, 2]@" + device), message);
    }
  }

  private static Operation product() {
    return new Arithmetic(Binary.MULTIPLY, Shape.of(2, 2), Shape.of(2, 2));
  }

  /** As PyTorch has it: views share one count, whichever rows they show. */
  @ParameterizedTest
  @MethodSource("devices")
  void neighboursInOneMemoryCountAsWritten(Device device) {
    try (Scope _ = Scope.open();
        Tape tape = Tape.open()) {
      Tensor whole = Tensor.of(device, Shape.of(2, 2), 1, 2, 3, 4);
      Tensor first = whole.rows(0, 1).track();
      Tensor loss = sum(multiply(first, first));
      whole.rows(1, 2).copyFrom(new float[] {0, 0});
      assertTrue(refused(tape, loss).contains("copyFrom"));
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void whatNoBackwardReadsMayBeWritten(Device device) {
    try (Scope _ = Scope.open();
        Tape tape = Tape.open()) {
      Tensor x = leaf(device);
      Tensor constant = Tensor.of(device, Shape.of(2, 2), 1, 1, 1, 2);
      Tensor loss = sum(multiply(add(x, x), constant));
      x.copyFrom(new float[4]);
      assertArrayEquals(new float[] {2, 2, 2, 4}, tape.backward(loss).of(x).toFloats());
      Tensor again = sum(multiply(x, constant)); // what was written before counts as well
      Gradients gradients = tape.backward(again);
      constant.copyFrom(new float[4]);
      assertArrayEquals(new float[] {1, 1, 1, 2}, gradients.of(x).toFloats());
    }
  }

  /** The tape holds what it saved, so that a block that is used again is another's. */
  @ParameterizedTest
  @MethodSource("devices")
  void aBlockThatIsUsedAgainIsNone(Device device) {
    try (Scope _ = Scope.open();
        Tape tape = Tape.open()) {
      Tensor x = leaf(device);
      Tensor saved = Tensor.of(device, Shape.of(2, 2), 1, 2, 3, 4);
      Tensor loss = sum(multiply(x, saved));
      saved.close();
      Tensor.of(device, Shape.of(2, 2), 9, 9, 9, 9).close();
      Tensor.of(device, Shape.of(2, 2), 8, 8, 8, 8);
      assertArrayEquals(new float[] {1, 2, 3, 4}, tape.backward(loss).of(x).toFloats());
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void readingIsNoWrite(Device device) {
    try (Scope _ = Scope.open();
        Tape tape = Tape.open()) {
      Tensor x = leaf(device);
      Tensor loss = sum(multiply(x, x));
      x.toFloats();
      assertTrue(x.toString().contains("[1, 2"));
      x.to(Device.reference());
      x.prepack();
      if (device.isHost()) {
        assertThrows(RuntimeException.class, () -> x.segment().fill((byte) 1));
      }
      assertArrayEquals(new float[] {2, 4, 6, 8}, tape.backward(loss).of(x).toFloats());
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void memoryWrittenByTheCallerCountsToo(Device device) {
    try (Scope _ = Scope.open();
        Tape tape = Tape.open()) {
      Tensor x = leaf(device);
      Tensor loss = sum(multiply(x, x));
      x.written("a kernel of mine");
      assertTrue(refused(tape, loss).contains("a kernel of mine"));
      if (device.isHost()) {
        Tensor other = sum(multiply(x, x));
        x.writableSegment().fill((byte) 0);
        assertTrue(refused(tape, other).contains("writableSegment"));
      }
    }
  }

  /** A graph that is replayed calls no backend, and writes all the same. */
  @ParameterizedTest
  @MethodSource("devices")
  void aCapturedStepWrites(Device device) {
    try (Scope _ = Scope.open()) {
      Tensor x = leaf(device);
      Tensor y = leaf(device);
      try (CapturedStep step =
          CapturedStep.of(
              device,
              () -> {
                x.backend().affine(x, 2, 0, x);
                return add(x, x);
              })) {
        for (int run = 0; run < 5; run++) {
          try (Tape tape = Tape.open()) {
            Tensor loss = sum(multiply(x, x));
            step.run();
            assertTrue(refused(tape, loss).contains("affine"), "run " + run);
          }
          if (run > 0) {
            try (Tape tape = Tape.open()) {
              Tensor result = step.run();
              Tensor loss = sum(multiply(y, result));
              Tensor same = step.run();
              if (same == result) {
                assertTrue(refused(tape, loss).contains("captured step"), "run " + run);
              } else { // it was written elsewhere
                assertEquals(4, tape.backward(loss).of(y).elements());
              }
            }
          }
        }
      }
    }
  }

  /** A training step as a whole: forward, backward and the update are one step, time and again. */
  @ParameterizedTest
  @MethodSource("devices")
  void aCapturedTrainingStepIsNotRefused(Device device) {
    try (Scope _ = Scope.open()) {
      Tensor x = leaf(device);
      try (CapturedStep step =
          CapturedStep.of(
              device,
              () -> {
                try (Tape tape = Tape.open()) {
                  Tensor gradient = tape.backward(sum(multiply(x, x))).of(x);
                  x.backend().mix(x, 1, gradient, -0.25, x);
                }
                return null;
              })) {
        for (int run = 0; run < 4; run++) {
          step.run();
        }
      }
      assertArrayEquals(new float[] {0.0625f, 0.125f, 0.1875f, 0.25f}, x.toFloats());
    }
  }
}
