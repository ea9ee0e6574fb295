package nacre.tensor.oracle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.ops.Cast;
import nacre.tensor.spi.AdamWConstants;
import nacre.tensor.spi.AdamWTensors;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.DynamicCode;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What is done to hundreds of tensors at once has, on every device, the bits of what is done to one
 * after the other, or in one pass after the other.
 */
@Tag("oracle")
class ManyTensorsTest {
  /** More than fit into the arguments of one launch. */
  private static final int MANY = 470;

  private static final AdamWConstants CONSTANTS =
      new AdamWConstants(0.9, 0.999, 1e-8, 0.01, 1, 2, 0x1234567890L);

  private static Tensor normal(Device device, DType dtype, int stream, Shape shape) {
    Tensor values = Tensor.empty(device, DType.F32, shape);
    device.backend().normal(11, stream, values);
    return Cast.cast(values, dtype);
  }

  private static List<Tensor> many(Device device, DType dtype, int stream) {
    List<Tensor> tensors = new ArrayList<>();
    for (int i = 0; i < MANY; i++) {
      int elements = i == 3 ? 40_007 : 1 + i * 7 % 61;
      tensors.add(normal(device, dtype, stream + i, Shape.of(elements)));
    }
    return tensors;
  }

  private static List<Tensor> copies(List<Tensor> of, DType dtype) {
    List<Tensor> copies = new ArrayList<>();
    for (Tensor tensor : of) {
      Tensor copy = Tensor.empty(tensor.device(), dtype, tensor.shape());
      tensor.backend().cast(tensor, copy);
      copies.add(copy);
    }
    return copies;
  }

  private static List<Tensor> zeros(List<Tensor> like, DType dtype) {
    return like.stream().map(t -> Tensor.zeros(t.device(), dtype, t.shape())).toList();
  }

  private static void assertSame(List<Tensor> wanted, List<Tensor> got) {
    for (int i = 0; i < wanted.size(); i += i < 440 && i != 0 ? 9 : 3) { // a launch's last, too
      assertArrayEquals(wanted.get(i).toFloats(), got.get(i).toFloats(), "tensor " + i);
    }
  }

  @ParameterizedTest
  @CsvSource({"F32, BF16", "F32, F16", "BF16, F32"})
  void casts(DType from, DType to) {
    for (Device device : TestDevices.all()) {
      try (Scope _ = Scope.open()) {
        List<Tensor> x = many(device, from, 0);
        List<Tensor> y = zeros(x, to);
        device.backend().castAll(x, y);
        assertSame(copies(x, to), y);
      }
    }
  }

  @Test
  void aNormDoesNotDependOnWhetherGradientsWereWidened() {
    for (Device device : TestDevices.all()) {
      try (Scope _ = Scope.open()) {
        List<Tensor> narrow = many(device, DType.BF16, 1000);
        List<Tensor> mixed = new ArrayList<>(narrow);
        for (int i = 0; i < MANY; i += 3) {
          mixed.set(i, copies(List.of(narrow.get(i)), DType.F32).getFirst());
        }
        Tensor sums = Tensor.zeros(device, DType.F32, Shape.of(3));
        Backend backend = device.backend();
        backend.sumOfSquares(copies(narrow, DType.F32), sums.rows(0, 1));
        backend.sumOfSquares(narrow, sums.rows(1, 2));
        backend.sumOfSquares(mixed, sums.rows(2, 3));
        float[] all = sums.toFloats();
        assertTrue(all[0] > 40_000, all[0] + "");
        assertArrayEquals(new float[] {all[0], all[0], all[0]}, all);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F32, F32, false",
    "F32, BF16, false",
    "F32, U8, false",
    "BF16, F32, false",
    "BF16, BF16, false",
    "BF16, U8, false",
    "BF16, F32, true",
    "BF16, BF16, true",
    "BF16, U8, true"
  })
  void aStepThatMovesAveragesAndTakesGradientsAsComputed(
      DType parameters, DType moments, boolean compensated) {
    for (Device device : TestDevices.all()) {
      try (Scope _ = Scope.open()) {
        Tensor weight = Tensor.full(device, DType.F32, Shape.of(), 0.03);
        List<Tensor> p = many(device, parameters, 2000);
        List<Tensor> narrow = many(device, DType.BF16, 3000);
        List<Tensor> mixed = new ArrayList<>(narrow);
        for (int i = 0; i < MANY; i += 3) {
          mixed.set(i, copies(List.of(narrow.get(i)), DType.F32).getFirst());
        }
        State apart = new State(p, moments, compensated);
        State together = new State(p, moments, compensated);
        for (int step = 0; step < 2; step++) {
          apart.step(copies(narrow, DType.F32), null);
          device.backend().lerp(apart.averages, apart.p, weight);
          together.step(mixed, weight);
        }
        assertSame(apart.p, together.p);
        assertSame(apart.m, together.m);
        assertSame(apart.v, together.v);
        assertSame(apart.rests, together.rests);
        assertSame(apart.averages, together.averages);
        assertNotEquals(
            0, together.averages.get(3).toFloats()[7] - p.get(3).toFloats()[7], "nothing moved");
      }
    }
  }

  private static final class State {
    final List<Tensor> p;
    final List<Tensor> rests;
    final List<Tensor> m;
    final List<Tensor> v;
    final List<Tensor> scales;
    final List<Tensor> others;
    final List<Tensor> steps;
    final List<Tensor> averages;

    State(List<Tensor> parameters, DType moments, boolean compensated) {
      p = copies(parameters, parameters.getFirst().dtype());
      rests = compensated ? zeros(p, DType.BF16) : List.of();
      m = zeros(p, moments);
      v = zeros(p, moments);
      scales = moments == DType.U8 ? blocks() : List.of();
      others = moments == DType.U8 ? blocks() : List.of();
      steps = p.stream().map(t -> Tensor.zeros(t.device(), DType.I32, Shape.of(1))).toList();
      averages = copies(parameters, DType.F32);
    }

    private List<Tensor> blocks() {
      return p.stream()
          .map(t -> Shape.of(DynamicCode.blocks(t.elements())))
          .map(shape -> Tensor.zeros(p.getFirst().device(), DType.F32, shape))
          .toList();
    }

    void step(List<Tensor> gradients, Tensor weight) {
      Device device = p.getFirst().device();
      Tensor rate = Tensor.full(device, DType.F32, Shape.of(), 0.01);
      Tensor norm = Tensor.zeros(device, DType.F32, Shape.of());
      device.backend().sumOfSquares(gradients, norm);
      device
          .backend()
          .adamW(
              new AdamWTensors(
                  p,
                  rests,
                  gradients,
                  m,
                  v,
                  scales,
                  others,
                  steps,
                  weight == null ? List.of() : averages,
                  weight),
              norm,
              rate,
              CONSTANTS);
    }
  }
}
