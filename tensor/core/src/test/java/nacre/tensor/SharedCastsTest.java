package nacre.tensor;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Linear.linear;
import static nacre.tensor.ops.MeanSquaredError.meanSquaredError;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import nacre.tensor.spi.Unary;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies of all parameters at once instead of a cast at each use. */
class SharedCastsTest {
  private static final Device DEVICE = TestDevices.underTest().getFirst();

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
    assertEquals(0, Memory.liveBytes());
  }

  /**
   * Parameters: read once in bf16, twice in bf16, in bf16 and in f32, in f32, never, in a block.
   */
  private static final class Model {
    final List<Tensor> parameters = new ArrayList<>();
    final Tensor x = normal(7, 5);
    final Tensor target = normal(8, 5);

    Model() {
      for (int i = 0; i < 6; i++) {
        parameters.add(normal(i, i == 3 ? 1 : 5).track());
      }
    }

    private static Tensor normal(int stream, int rows) {
      Tensor values = Tensor.empty(DEVICE, DType.F32, Shape.of(rows, 5));
      DEVICE.backend().normal(3, stream, values);
      return values;
    }

    private Tensor narrow(int i) {
      return cast(parameters.get(i), DType.BF16);
    }

    Tensor loss() {
      Tensor h = cast(x, DType.BF16);
      h = linear(h, narrow(0), null, Unary.SILU);
      h = linear(h, narrow(1), null, Unary.SILU);
      h = linear(h, narrow(1), null);
      h = Recompute.block(in -> linear(in.getFirst(), narrow(5), null, Unary.SILU), h);
      h = linear(h, narrow(2), null);
      Tensor wide = linear(cast(h, DType.F32), parameters.get(2), null);
      return meanSquaredError(add(wide, parameters.get(3)), target);
    }
  }

  private static Tape open(boolean recomputing) {
    return recomputing ? Tape.openRecomputing() : Tape.open();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void gradientsHaveTheSameBits(boolean recomputing) {
    try (Scope _ = Scope.open()) {
      Model model = new Model();
      List<float[]> wanted = new ArrayList<>();
      try (Scope _ = Scope.open();
          Tape tape = open(recomputing)) {
        Gradients gradients = tape.backward(model.loss());
        model.parameters.forEach(
            p -> wanted.add(gradients.of(p) == null ? null : gradients.of(p).toFloats()));
      }
      try (Scope _ = Scope.open();
          Tape tape = open(recomputing).sharingCasts(model.parameters, DType.BF16)) {
        Gradients gradients = tape.backward(model.loss());
        assertEquals(DType.BF16, gradients.asComputed(model.parameters.get(0)).dtype());
        assertEquals(DType.F32, gradients.asComputed(model.parameters.get(1)).dtype(), "a sum");
        for (int i = 0; i < wanted.size(); i++) {
          Tensor parameter = model.parameters.get(i);
          if (wanted.get(i) == null) {
            assertNull(gradients.of(parameter));
            continue;
          }
          float[] computed = gradients.asComputed(parameter).toFloats();
          assertArrayEquals(wanted.get(i), computed, "parameter " + i);
          try (Scope _ = Scope.open()) {
            assertEquals(DType.F32, gradients.of(parameter).dtype());
          }
          assertArrayEquals(wanted.get(i), gradients.of(parameter).toFloats(), "parameter " + i);
          assertSame(gradients.of(parameter), gradients.asComputed(parameter));
        }
      }
    }
  }

  @Test
  void sumsOverPassesAndThoseToldOfGetThemInF32() {
    try (Scope _ = Scope.open()) {
      Model model = new Model();
      List<List<float[]>> results = new ArrayList<>();
      for (boolean shared : new boolean[] {false, true}) {
        Map<Tensor, Tensor> sums = new IdentityHashMap<>();
        sums.put(model.parameters.get(0), Tensor.full(DEVICE, DType.F32, Shape.of(5, 5), 0.125));
        sums.put(model.parameters.get(5), null);
        List<float[]> result = new ArrayList<>();
        try (Scope _ = Scope.open();
            Tape tape = Tape.open()) {
          if (shared) {
            tape.sharingCasts(model.parameters, DType.BF16);
          }
          Tensor loss = model.loss();
          Tensor one = Tensor.full(DEVICE, DType.F32, loss.shape(), 1);
          tape.backward(
              Map.of(loss, one),
              sums,
              (leaf, gradient) -> {
                assertEquals(DType.F32, gradient.dtype());
                result.add(gradient.toFloats());
              });
          result.add(sums.get(model.parameters.get(0)).toFloats());
        }
        results.add(result);
      }
      assertEquals(6, results.get(0).size());
      for (int i = 0; i < 6; i++) {
        assertArrayEquals(results.get(0).get(i), results.get(1).get(i));
      }
    }
  }

  @Test
  void aCopyOfWhatWasWrittenSinceIsNotTaken() {
    try (Scope _ = Scope.open()) {
      Tensor p = Tensor.full(DEVICE, DType.F32, Shape.of(3), 1).track();
      try (Tape _ = Tape.open().sharingCasts(List.of(p), DType.BF16)) {
        assertArrayEquals(new float[] {1, 1, 1}, cast(p, DType.BF16).toFloats());
        p.backend().fill(p, 2);
        assertArrayEquals(new float[] {2, 2, 2}, cast(p, DType.BF16).toFloats());
      }
    }
  }

  @Test
  void theyEndWithTheTape() {
    try (Scope _ = Scope.open()) {
      Tensor p = Tensor.full(DEVICE, DType.F32, Shape.of(300), 1).track();
      long before = Memory.liveBytes();
      try (Tape tape = Tape.open().sharingCasts(List.of(p, p), DType.BF16)) {
        long held = Memory.liveBytes();
        assertNotEquals(before, held);
        cast(p, DType.BF16);
        cast(p, DType.BF16);
        assertEquals(held, Memory.liveBytes(), "both are views of the copy");
        assertThrows(IllegalStateException.class, () -> tape.sharingCasts(List.of(p), DType.BF16));
      }
      Tensor own = cast(p, DType.BF16);
      assertEquals(DType.BF16, own.dtype());
    }
  }
}
