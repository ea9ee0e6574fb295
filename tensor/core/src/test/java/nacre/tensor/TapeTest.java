package nacre.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Reduction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The tape, by operations of its own that return what real ones may: dy itself, twice, or null. */
class TapeTest {
  private static final Device DEVICE = Device.reference();
  private Scope scope;

  /** a + b, whose gradients are both dy itself. */
  private record Add() implements Operation {
    @Override
    public Tensor forward(Context context, Tensor... in) {
      Tensor y = in[0].like();
      y.backend().binary(Binary.ADD, in[0], in[1], y);
      return y;
    }

    @Override
    public Tensor[] backward(Context context, Tensor dy) {
      return new Tensor[] {dy, dy};
    }
  }

  /** a · b, which says nothing of the gradients that are not needed. */
  private record Multiply() implements Operation {
    @Override
    public Tensor forward(Context context, Tensor... in) {
      context.save(in);
      Tensor y = in[0].like();
      y.backend().binary(Binary.MULTIPLY, in[0], in[1], y);
      return y;
    }

    @Override
    public Tensor[] backward(Context context, Tensor dy) {
      Tensor[] dx = new Tensor[2];
      for (int i = 0; i < 2; i++) {
        if (context.needs(i)) {
          dx[i] = dy.like();
          dy.backend().binary(Binary.MULTIPLY, dy, context.saved(1 - i), dx[i]);
        }
      }
      return dx;
    }
  }

  /** Σ x. */
  private record Sum() implements Operation {
    @Override
    public Tensor forward(Context context, Tensor... in) {
      context.save(in[0]);
      Tensor y = in[0].like(Shape.of());
      y.backend().reduce(Reduction.SUM, in[0], y);
      return y;
    }

    @Override
    public Tensor[] backward(Context context, Tensor dy) {
      Tensor dx = context.saved(0).like();
      Tensor zero = Tensor.zeros(dy.device(), dy.dtype(), dx.shape());
      dy.backend().binary(Binary.ADD, zero, dy, dx);
      return new Tensor[] {dx};
    }
  }

  /** x, the same handle. */
  private record Same() implements Operation {
    @Override
    public Tensor forward(Context context, Tensor... in) {
      return in[0];
    }

    @Override
    public Tensor[] backward(Context context, Tensor dy) {
      return new Tensor[] {dy};
    }
  }

  /** x², made of another operation. */
  private record Square() implements Operation {
    @Override
    public Tensor forward(Context context, Tensor... in) {
      context.save(in[0]);
      return multiply(in[0], in[0]);
    }

    @Override
    public Tensor[] backward(Context context, Tensor dy) {
      Tensor x = context.saved(0);
      return new Tensor[] {multiply(dy, add(x, x))};
    }
  }

  /** x as integers. */
  private record Floor() implements Operation {
    @Override
    public Tensor forward(Context context, Tensor... in) {
      context.save(in[0]);
      Tensor y = Tensor.empty(in[0].device(), DType.I32, in[0].shape());
      y.backend().cast(in[0], y);
      return y;
    }

    @Override
    public Tensor[] backward(Context context, Tensor dy) {
      throw new AssertionError("integers have no gradient");
    }
  }

  /** A gradient that is not like its input. */
  private record Wrong(DType dtype, Shape shape) implements Operation {
    @Override
    public Tensor forward(Context context, Tensor... in) {
      return in[0].like();
    }

    @Override
    public Tensor[] backward(Context context, Tensor dy) {
      return new Tensor[] {Tensor.zeros(dy.device(), dtype, shape)};
    }
  }

  private static Tensor add(Tensor a, Tensor b) {
    return Operation.apply(new Add(), a, b);
  }

  private static Tensor multiply(Tensor a, Tensor b) {
    return Operation.apply(new Multiply(), a, b);
  }

  private static Tensor sum(Tensor x) {
    return Operation.apply(new Sum(), x);
  }

  private static Tensor leaf(float... values) {
    return Tensor.of(DEVICE, Shape.of(values.length), values).track();
  }

  private static void assertGradient(Gradients gradients, Tensor leaf, float... expected) {
    assertArrayEquals(expected, gradients.of(leaf).toFloats());
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
    assertEquals(0, Memory.liveTensors());
    assertEquals(0, Memory.liveBytes());
  }

  @Test
  void theProductRule() {
    Tensor x = leaf(2, 3);
    Tensor y = leaf(5, 7);
    try (Tape tape = Tape.open()) {
      Gradients g = tape.backward(sum(multiply(x, y)));
      assertGradient(g, x, 5, 7);
      assertGradient(g, y, 2, 3);
    }
  }

  @Test
  void oneTensorAsBothInputs() {
    Tensor x = leaf(2, 3);
    try (Tape tape = Tape.open()) {
      assertGradient(tape.backward(sum(multiply(x, x))), x, 4, 6);
    }
    try (Tape tape = Tape.open()) {
      assertGradient(tape.backward(sum(add(x, x))), x, 2, 2);
    }
  }

  @Test
  void gradientsOfManyUsesAddUp() {
    Tensor x = leaf(2, -1);
    try (Tape tape = Tape.open()) {
      Tensor square = multiply(x, x);
      Tensor cube = multiply(square, x);
      Tensor total = add(add(cube, square), add(x, x)); // x³ + x² + 2x
      assertGradient(tape.backward(sum(total)), x, 12 + 4 + 2, 3 - 2 + 2);
    }
  }

  /** The gradients of a sum are one memory; adding to one of them must not change the other. */
  @Test
  void sharedGradientsAreNotAddedToInPlace() {
    Tensor x = leaf(1, 1);
    Tensor y = leaf(1, 1);
    Tensor ten = Tensor.of(DEVICE, Shape.of(2), 10, 10);
    try (Tape tape = Tape.open()) {
      Tensor early = multiply(x, ten);
      Tensor cotangent = Tensor.of(DEVICE, Shape.of(2), 3, 4);
      Tensor out = add(x, y);
      Tensor ones = Tensor.full(DEVICE, DType.F32, Shape.of(2), 1);
      Gradients g = tape.backward(Map.of(out, cotangent, early, ones));
      assertGradient(g, x, 13, 14);
      assertGradient(g, y, 3, 4);
      assertArrayEquals(new float[] {3, 4}, cotangent.toFloats());
    }
  }

  @Test
  void onlyTrackedLeavesHaveGradients() {
    Tensor x = leaf(2, 3);
    Tensor constant = Tensor.of(DEVICE, Shape.of(2), 5, 7);
    try (Tape tape = Tape.open()) {
      Tensor unrelated = multiply(constant, constant);
      assertFalse(unrelated.tracked());
      Tensor product = multiply(x, constant);
      Gradients g = tape.backward(sum(add(product, unrelated)));
      assertGradient(g, x, 5, 7);
      assertNull(g.of(constant));
      assertNull(g.of(unrelated));
      assertNull(g.of(product));
      assertNull(g.of(leaf(1)));
    }
  }

  @Test
  void callersMayReuseTheirArrayOfInputs() {
    try (Tape tape = Tape.open()) {
      Tensor a = Tensor.of(DEVICE, Shape.of(1), 3).track();
      Tensor b = Tensor.of(DEVICE, Shape.of(1), 5).track();
      Tensor[] inputs = {a, b};
      Tensor y = Operation.apply(new Multiply(), inputs);
      inputs[0] = b;
      inputs[1] = a;
      Gradients gradients = tape.backward(y);
      assertArrayEquals(new float[] {5}, gradients.of(a).toFloats());
      assertArrayEquals(new float[] {3}, gradients.of(b).toFloats());
    }
  }

  @Test
  void detachingStopsTheFlow() {
    Tensor x = leaf(2, 3);
    try (Tape tape = Tape.open()) {
      Tensor y = multiply(multiply(x, x).detach(), x);
      assertGradient(tape.backward(sum(y)), x, 4, 9);
    }
  }

  /** A block's activations survive its scope for as long as backward needs them, and no longer. */
  @Test
  void innerScopesKeepWhatBackwardNeeds() {
    Tensor x = leaf(2, 3);
    try (Tape tape = Tape.open()) {
      Tensor y;
      try (Scope block = Scope.open()) {
        Tensor square = multiply(x, x);
        Tensor fourth = multiply(square, square);
        y = block.keep(add(fourth, square));
      }
      assertEquals(3, Memory.liveTensors()); // x, y and the saved square
      Tensor loss = sum(y);
      try (Scope _ = Scope.open()) {
        Gradients g = tape.backward(loss);
        assertGradient(g, x, 32 + 4, 108 + 6);
        // x, y, the loss; its cotangent; the gradient
        assertEquals(5, Memory.liveTensors());
      }
      assertEquals(3, Memory.liveTensors());
    }
  }

  @Test
  void anUnusedRecordingIsDropped() {
    Tensor x = leaf(2, 3);
    try (Tape _ = Tape.open();
        Scope _ = Scope.open()) {
      multiply(multiply(x, x), x);
    }
    assertEquals(1, Memory.liveTensors());
  }

  @Test
  void nothingIsKeptWithoutATape() {
    Tensor x = leaf(2, 3);
    try (Scope _ = Scope.open()) {
      assertFalse(multiply(x, x).tracked());
    }
    assertEquals(1, Memory.liveTensors());
  }

  @Test
  void anOperationMayReturnItsInput() {
    Tensor x = leaf(2, 3);
    try (Tape tape = Tape.open()) {
      Tensor y = multiply(Operation.apply(new Same(), x), x);
      assertGradient(tape.backward(sum(add(y, Operation.apply(new Same(), x)))), x, 5, 7);
    }
  }

  @Test
  void operationsInsideAnOperationAreNotRecorded() {
    Tensor x = leaf(2, 3);
    try (Tape tape = Tape.open()) {
      Tensor y = Operation.apply(new Square(), x);
      assertTrue(y.tracked());
      assertEquals(2, Memory.liveTensors());
      assertGradient(tape.backward(sum(y)), x, 4, 6);
    }
  }

  @Test
  void integersEndTheFlow() {
    Tensor x = leaf(2, 3);
    try (Tape tape = Tape.open()) {
      Tensor floor = Operation.apply(new Floor(), x);
      assertFalse(floor.tracked());
      assertGradient(tape.backward(sum(add(x, x))), x, 2, 2);
    }
  }

  @Test
  void anInnerTapeRecordsByItself() {
    Tensor x = leaf(2, 3);
    try (Tape outer = Tape.open()) {
      Tensor y = multiply(x, x);
      try (Tape inner = Tape.open()) {
        assertGradient(inner.backward(sum(add(x, x))), x, 2, 2);
        // The outer tape's backward does not take the inner one's place.
        assertGradient(outer.backward(Map.of(y, y.detach())), x, 16, 54);
        assertGradient(inner.backward(sum(multiply(x, x))), x, 4, 6);
        IllegalStateException e = assertThrows(IllegalStateException.class, outer::close);
        assertTrue(e.getMessage().contains("inner tape"), e.getMessage());
      }
      assertGradient(outer.backward(sum(multiply(x, x))), x, 4, 6);
    }
  }

  /** Or else its gradient would be missing where nobody looks. */
  @Test
  void whatAnotherTapeRecordedIsRefused() {
    Tensor x = leaf(2, 3);
    try (Tape outer = Tape.open()) {
      Tensor inside;
      Tensor outside = multiply(x, x);
      try (Tape _ = Tape.open()) {
        inside = multiply(x, x);
        assertThrows(IllegalStateException.class, () -> add(outside, x));
      }
      IllegalStateException e = assertThrows(IllegalStateException.class, () -> add(inside, x));
      assertTrue(e.getMessage().contains("another tape"), e.getMessage());
      assertGradient(outer.backward(sum(multiply(inside.detach(), x))), x, 4, 9);
      inside.track();
      Gradients gradients = outer.backward(sum(multiply(inside, x)));
      assertGradient(gradients, x, 4, 9);
      assertGradient(gradients, inside, 2, 3);
    }
  }

  @Test
  void misuseIsNamed() {
    Tensor x = leaf(2, 3);
    Tensor before = sum(multiply(x, x));
    try (Tape tape = Tape.open()) {
      assertThrows(IllegalArgumentException.class, () -> tape.backward(multiply(x, x)));
      IllegalStateException e =
          assertThrows(IllegalStateException.class, () -> tape.backward(before));
      assertTrue(e.getMessage().contains("not on this tape"), e.getMessage());
      Tensor loss = sum(multiply(x, x));
      tape.backward(loss);
      assertThrows(IllegalStateException.class, () -> tape.backward(loss));
      Tensor y = add(x, x);
      assertThrows(IllegalArgumentException.class, () -> tape.backward(Map.of(y, loss)));
    }
    for (Wrong wrong :
        new Wrong[] {new Wrong(DType.F32, Shape.of(1, 2)), new Wrong(DType.BF16, Shape.of(2))}) {
      try (Tape tape = Tape.open()) {
        Tensor loss = sum(Operation.apply(wrong, x));
        IllegalArgumentException e =
            assertThrows(IllegalArgumentException.class, () -> tape.backward(loss));
        assertTrue(e.getMessage().contains("Wrong"), e.getMessage());
      }
    }
  }
}
