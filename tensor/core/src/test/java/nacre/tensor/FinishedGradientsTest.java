package nacre.tensor;

import static nacre.tensor.ops.Ops.multiply;
import static nacre.tensor.ops.Ops.sum;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** That each gradient is told of once, in the end of its sum and in one order. */
class FinishedGradientsTest {
  private static final Device DEVICE = Device.reference();

  /** {@code a} is read first and third, {@code b} within a block, {@code c} last. */
  private static void check(Supplier<Tape> opening) {
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.of(DEVICE, Shape.of(2), 2, 3);
      Tensor a = Tensor.of(DEVICE, Shape.of(2), 5, 7).track();
      Tensor b = Tensor.of(DEVICE, Shape.of(2), 11, 13).track();
      Tensor c = Tensor.of(DEVICE, Shape.of(2), 17, 19).track();
      Tensor unread = Tensor.of(DEVICE, Shape.of(2), 1, 1).track();
      List<Tensor> told = new ArrayList<>();
      List<float[]> values = new ArrayList<>();
      try (Tape tape = opening.get()) {
        Tensor y = multiply(x, a);
        y = Recompute.block(in -> multiply(in.get(0), b), y);
        y = multiply(multiply(y, a), c);
        Tensor loss = sum(y);
        Tensor one = Tensor.full(DEVICE, DType.F32, Shape.of(), 1);
        Tensor sum = Tensor.of(DEVICE, Shape.of(2), 100, 200);
        Gradients gradients =
            tape.backward(
                Map.of(loss, one),
                Map.of(b, sum),
                (leaf, gradient) -> {
                  told.add(leaf);
                  values.add(gradient.toFloats());
                });
        assertEquals(List.of(c, b, a), told);
        assertArrayEquals(new float[] {2 * 5 * 11 * 5, 3 * 7 * 13 * 7}, values.get(0));
        float[] ofB = {100 + 2 * 5 * 5 * 17, 200 + 3 * 7 * 7 * 19};
        assertArrayEquals(ofB, values.get(1));
        // d/da of x a b a c is 2 x a b c.
        assertArrayEquals(new float[] {2 * 2 * 5 * 11 * 17, 2 * 3 * 7 * 13 * 19}, values.get(2));
        // What was told of is freed, but for sums, which are the caller's.
        assertEquals(null, gradients.of(a));
        assertEquals(null, gradients.of(c));
        assertSame(sum, gradients.of(b));
        assertArrayEquals(ofB, sum.toFloats());
        assertEquals(null, gradients.of(unread));
      }
    }
  }

  @Test
  void areToldInTheReverseOrderOfReading() {
    check(Tape::open);
  }

  @Test
  void ofABlockThatIsComputedAgainAreToldBehindIt() {
    check(Tape::openRecomputing);
  }
}
