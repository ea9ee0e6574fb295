package nacre.nn;

import static nacre.tensor.ops.Affine.affine;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Reduce.mean;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Recompute;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Arithmetic;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Sums of gradients over the parts of a batch, whatever each part depends on, and in f32. */
class AccumulatedGradientsTest {
  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  static Stream<Device> devices() {
    return Stream.of(Device.reference(), Device.cpu());
  }

  private static Tensor parameter(Device device, DType dtype) {
    Tensor wide = Tensor.of(device, Shape.of(2), 1, 1);
    return cast(wide, dtype).detach().track();
  }

  /** Factor times the mean of a parameter, whose gradient is half the factor everywhere. */
  private static Tensor term(Tensor parameter, double factor) {
    return affine(mean(cast(parameter, DType.F32)), factor, 0);
  }

  private static void add(AccumulatedGradients sums, Supplier<Tape> tapes, Supplier<Tensor> loss) {
    try (Scope _ = Scope.open();
        Tape tape = tapes.get()) {
      sums.add(tape, loss.get());
    }
  }

  private static void assertSum(AccumulatedGradients sums, Tensor parameter, float wanted) {
    Tensor sum = sums.of(parameter);
    assertEquals(DType.F32, sum.dtype());
    assertArrayEquals(new float[] {wanted, wanted}, sum.toFloats());
  }

  @ParameterizedTest
  @MethodSource("devices")
  void aParameterThatTheFirstPartDoesWithoutIsSummedFromTheNext(Device device) {
    for (DType dtype : List.of(DType.F32, DType.BF16)) {
      try (Scope _ = Scope.open()) {
        Tensor early = parameter(device, dtype);
        Tensor late = parameter(device, dtype);
        Tensor never = parameter(device, dtype);
        Map<String, Tensor> all = Map.of("early", early, "late", late, "never", never);
        AccumulatedGradients sums = new AccumulatedGradients(all, 2);
        for (int batch = 0; batch < 2; batch++) { // the second begins at zero
          sums.clear();
          add(sums, Tape::open, () -> term(early, 8));
          add(sums, Tape::open, () -> Arithmetic.add(term(early, 4), term(late, 12)));
          assertSum(sums, early, 3);
          assertSum(sums, late, 3);
          assertNull(sums.of(never));
          assertEquals((8 + 4 + 12) / 2f, sums.loss().item());
        }
      }
    }
  }

  /** 128 and 0.5 are 128 in bf16, whose numbers have eight bits. */
  @ParameterizedTest
  @MethodSource("devices")
  void gradientsOfNarrowParametersAreSummedInF32FromTheFirst(Device device) {
    for (Supplier<Tape> tapes : List.<Supplier<Tape>>of(Tape::open, Tape::openRecomputing)) {
      try (Scope _ = Scope.open()) {
        Tensor weight = parameter(device, DType.BF16);
        AccumulatedGradients sums = new AccumulatedGradients(Map.of("weight", weight), 2);
        assertFalse(sums.ready());
        for (int part = 1; part <= 2; part++) {
          add(
              sums,
              tapes,
              () ->
                  Recompute.block(
                      in -> Arithmetic.add(term(in.getFirst(), 512), term(in.getFirst(), 2)),
                      weight));
          assertTrue(sums.ready());
          assertSum(sums, weight, 128.5f * part);
        }
      }
    }
  }

  @Test
  void partsAreEqualShares() {
    try (Scope _ = Scope.open()) {
      Tensor weight = parameter(Device.cpu(), DType.F32);
      AccumulatedGradients sums = new AccumulatedGradients(Map.of("weight", weight), 4);
      for (int part = 0; part < 4; part++) {
        double factor = part;
        add(sums, Tape::open, () -> term(weight, factor));
      }
      assertSum(sums, weight, (1 + 2 + 3) / 4f / 2);
      assertEquals(1.5f, sums.loss().item());
    }
  }
}
