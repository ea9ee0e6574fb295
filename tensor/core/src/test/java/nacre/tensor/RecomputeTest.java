package nacre.tensor;

import static nacre.tensor.ops.Activation.silu;
import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Dropout.dropout;
import static nacre.tensor.ops.Linear.linear;
import static nacre.tensor.ops.Reduce.sum;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import nacre.tensor.spi.Unary;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Gradient checkpointing changes what is kept, and no bit of what is computed. */
@Tag("backend")
class RecomputeTest {
  private static final int WIDTH = 24;
  private int runs;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  static List<Device> devices() {
    return TestDevices.underTest();
  }

  private static Tensor random(Device device, int stream) {
    Tensor tensor = Tensor.empty(device, DType.F32, Shape.of(WIDTH, WIDTH));
    device.backend().normal(7, stream, tensor);
    device.backend().affine(tensor, 0.3, 0, tensor);
    return tensor;
  }

  /** Parameters, of which blocks share one and the last has no gradient. */
  private record Model(Tensor x, Tensor time, List<Tensor> weights) {
    static Model on(Device device) {
      return new Model(
          random(device, 0).track(),
          random(device, 1).track(),
          List.of(
              random(device, 2).track(),
              random(device, 3).track(),
              random(device, 4).track(),
              random(device, 5)));
    }

    List<Tensor> leaves() {
      return List.of(x, time, weights.get(0), weights.get(1), weights.get(2));
    }
  }

  private Tensor block(Model m, int own, Tensor x, Tensor time) {
    runs++;
    return Scope.tidy(
        () -> {
          Tensor h = linear(x, m.weights.get(own), null, Unary.SILU);
          Tensor shared = linear(multiply(h, time), m.weights.get(0), null, Unary.GELU);
          Tensor dropped = dropout(linear(shared, m.weights.get(3), null), 0.25, 11, own);
          return add(add(dropped, x), multiply(x, shared));
        });
  }

  /** Inputs, parameters and the time are used in several blocks, and outside of them. */
  private Tensor loss(Model m) {
    return Scope.tidy(
        () -> {
          Tensor time = silu(m.time);
          Tensor a = Recompute.block(in -> block(m, 1, in.get(0), in.get(1)), m.x, time, null);
          Tensor b = Recompute.block(in -> nested(m, in.get(0), in.get(1)), a, time);
          Tensor c = Recompute.block(in -> multiply(in.get(0), in.get(1)), b, b);
          Tensor d = linear(add(c, multiply(a, time)), m.weights.get(0), null);
          return sum(add(multiply(d, m.x), linear(d, m.weights.get(1), null)));
        });
  }

  private Tensor nested(Model m, Tensor x, Tensor time) {
    Tensor y = Recompute.block(in -> block(m, 2, in.get(0), in.get(1)), x, time);
    return add(block(m, 1, y, time), x);
  }

  private static List<float[]> numbers(Tape tape, Tensor loss, List<Tensor> leaves) {
    List<float[]> all = new ArrayList<>(List.of(loss.toFloats()));
    Gradients gradients = tape.backward(loss);
    leaves.forEach(leaf -> all.add(gradients.of(leaf).toFloats()));
    return all;
  }

  @ParameterizedTest
  @MethodSource("devices")
  void everyBitIsTheSame(Device device) {
    try (Scope _ = Scope.open()) {
      Model m = Model.on(device);
      List<float[]> wanted;
      try (Scope _ = Scope.open();
          Tape tape = Tape.open()) {
        wanted = numbers(tape, loss(m), m.leaves());
      }
      assertEquals(3, runs);
      try (Scope _ = Scope.open();
          Tape tape = Tape.openRecomputing()) {
        Tensor loss = loss(m);
        assertEquals(6, runs);
        List<float[]> got = numbers(tape, loss, m.leaves());
        for (int i = 0; i < got.size(); i++) {
          assertArrayEquals(wanted.get(i), got.get(i), "number " + i);
        }
      }
      // The outer blocks once more, the one within the other twice.
      assertEquals(10, runs);
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void aCapturedStepMayRecompute(Device device) {
    List<List<float[]>> steps = new ArrayList<>();
    for (Supplier<Tape> tapes : List.<Supplier<Tape>>of(Tape::open, Tape::openRecomputing)) {
      List<float[]> numbers = new ArrayList<>();
      try (Scope _ = Scope.open()) {
        Model m = Model.on(device);
        try (CapturedStep step = CapturedStep.of(device, () -> descend(m, tapes))) {
          for (int i = 0; i < 4; i++) {
            numbers.add(step.run().toFloats());
          }
        }
        m.leaves().forEach(leaf -> numbers.add(leaf.toFloats()));
      }
      steps.add(numbers);
    }
    for (int i = 0; i < steps.get(0).size(); i++) {
      assertArrayEquals(steps.get(0).get(i), steps.get(1).get(i), "number " + i);
    }
  }

  /** A step of plain gradient descent. */
  private Tensor descend(Model m, Supplier<Tape> tapes) {
    try (Scope scope = Scope.open();
        Tape tape = tapes.get()) {
      Tensor loss = loss(m);
      Gradients gradients = tape.backward(loss);
      for (Tensor leaf : m.leaves()) {
        leaf.backend().mix(leaf, 1, gradients.of(leaf), -1e-4, leaf);
      }
      return scope.keep(loss.detach());
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void onlyInputsAreKept(Device device) {
    try (Scope _ = Scope.open()) {
      Model m = Model.on(device);
      long[] held = new long[2];
      for (int i = 0; i < 2; i++) {
        try (Scope _ = Scope.open();
            Tape _ = i == 0 ? Tape.open() : Tape.openRecomputing()) {
          long before = Memory.liveTensors();
          Tensor y = Recompute.block(in -> block(m, 1, in.get(0), in.get(1)), m.x, m.time);
          assertTrue(y.tracked());
          held[i] = Memory.liveTensors() - before;
        }
      }
      assertEquals(1, held[1]);
      assertTrue(held[0] > 4, "kept without: " + held[0]);
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void parametersAreTrainedWhoseBlockHasNoTrackedInput(Device device) {
    try (Scope _ = Scope.open();
        Tape tape = Tape.openRecomputing()) {
      Tensor x = random(device, 0);
      Tensor w = random(device, 1).track();
      Tensor y = Recompute.block(in -> linear(in.get(0), w, null), x);
      Gradients gradients = tape.backward(sum(y));
      assertNotNull(gradients.of(w));
      assertNull(gradients.of(x));
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void whatNeedsNoGradientIsNotRecorded(Device device) {
    try (Scope _ = Scope.open();
        Tape _ = Tape.openRecomputing()) {
      Tensor x = random(device, 0);
      Tensor w = random(device, 1).track();
      assertFalse(Recompute.block(in -> silu(in.get(0)), x).tracked());
      assertSame(x, Recompute.block(in -> in.get(0), x));
      assertSame(w, Recompute.block(in -> in.get(0), w));
      assertSame(w, Recompute.block(_ -> w, x));
      assertNull(Recompute.block(_ -> null, x, null));
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void whatABlockReadMustNotBeWritten(Device device) {
    for (int written = 0; written < 3; written++) {
      try (Scope _ = Scope.open();
          Tape tape = Tape.openRecomputing()) {
        Tensor x = random(device, 0).track();
        Tensor w = random(device, 1).track();
        Tensor frozen = random(device, 2);
        UnaryOperator<Tensor> inner =
            y -> Recompute.block(in -> linear(in.get(0), frozen, null), y);
        Tensor y =
            Recompute.block(in -> inner.apply(add(in.get(0), linear(in.get(0), w, null))), x);
        device.backend().fill(List.of(x, w, frozen).get(written), 1);
        Tensor loss = sum(y);
        IllegalStateException e =
            assertThrows(IllegalStateException.class, () -> tape.backward(loss));
        assertTrue(
            e.getMessage().startsWith("backward: Recompute saved f32[24, 24]@"), e.getMessage());
        assertTrue(e.getMessage().contains("which fill has written since"), e.getMessage());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void whatIsComputedOutsideMustBeAnInput(Device device) {
    try (Scope _ = Scope.open();
        Tape _ = Tape.openRecomputing()) {
      Tensor x = random(device, 0).track();
      Tensor y = silu(x);
      IllegalStateException e =
          assertThrows(
              IllegalStateException.class, () -> Recompute.block(in -> add(in.get(0), y), x));
      assertTrue(e.getMessage().contains("computed on another tape"), e.getMessage());
      assertTrue(Recompute.block(in -> add(in.get(0), in.get(1)), x, y).tracked());
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void failuresOfEitherRunLeaveNothing(Device device) {
    try (Scope _ = Scope.open();
        Tape tape = Tape.openRecomputing()) {
      Tensor x = random(device, 0).track();
      for (int failing = 1; failing <= 2; failing++) {
        int when = runs + failing;
        Supplier<Tensor> work =
            () -> {
              Tensor y =
                  Recompute.block(
                      in -> {
                        Tensor h = silu(in.get(0));
                        if (++runs == when) {
                          throw new IllegalArgumentException("on purpose");
                        }
                        return silu(h);
                      },
                      x);
              return tape.backward(sum(y)).of(x);
            };
        long before = Memory.liveTensors();
        try (Scope _ = Scope.open()) {
          assertThrows(IllegalArgumentException.class, work::get);
        }
        assertEquals(before, Memory.liveTensors());
      }
      assertNotNull(tape.backward(sum(silu(x))).of(x)); // the tape is open and sound
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void aBlockMustDoTheSameAgain(Device device) {
    try (Scope _ = Scope.open();
        Tape tape = Tape.openRecomputing()) {
      Tensor x = random(device, 0).track();
      Tensor y = Recompute.block(in -> runs++ == 0 ? silu(in.get(0)) : sum(in.get(0)), x);
      Tensor loss = sum(y);
      IllegalStateException e =
          assertThrows(IllegalStateException.class, () -> tape.backward(loss));
      assertTrue(e.getMessage().contains("must do the same each time"), e.getMessage());
    }
  }
}
