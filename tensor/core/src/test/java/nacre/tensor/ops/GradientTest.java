package nacre.tensor.ops;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import nacre.tensor.Context;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Operation;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Walks the registry and checks every gradient against finite differences, on every device. */
@Tag("backend")
class GradientTest {
  private static final Map<String, double[][]> DIFFERENCES = new HashMap<>();
  private static final List<Device> DEVICES = TestDevices.underTest();

  static Stream<Arguments> cases() {
    List<Case> cases = Cases.all();
    return DEVICES.stream()
        .flatMap(
            device ->
                Registry.operations().stream()
                    .flatMap(op -> cases.stream().filter(c -> c.operation() == op))
                    .map(c -> Arguments.of(device, c)));
  }

  @BeforeEach
  void poison() {
    Memory.poisonNewTensors(true);
  }

  @AfterEach
  void nothingIsLeft() {
    Memory.poisonNewTensors(false);
    assertEquals(0, Memory.liveTensors(), "live tensors");
    assertEquals(0, Memory.liveBytes(), "live bytes");
  }

  @Test
  void everyOperationHasCases() {
    Set<Class<? extends Operation>> covered = new HashSet<>();
    Set<String> names = new HashSet<>();
    for (Case c : Cases.all()) {
      covered.add(c.operation());
      assertTrue(names.add(c.toString()), () -> "two cases are called " + c);
    }
    assertEquals(Set.copyOf(Registry.operations()), covered);
  }

  /**
   * Differences are taken where sums are in double, once for all devices: they are the function's,
   * not the device's. That devices compute the same function is checked beside.
   */
  private static double[][] differences(Case c) {
    return DIFFERENCES.computeIfAbsent(
        c.toString(), name -> GradientChecker.byDifferences(c, Device.reference()));
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("cases")
  void gradientsAgreeWithDifferences(Device device, Case c) {
    double[][] expected = differences(c);
    double[][] gradients = GradientChecker.byTape(c, c.values(), device, DType.F32);
    for (int i = 0; i < expected.length; i++) {
      assertNull(GradientChecker.complaint(gradients[i], expected[i]), "gradient of input " + i);
    }
    // A check that would let a wrong gradient pass is none: each case must be able to fail.
    for (int i = 0; i < expected.length; i++) {
      for (Fault fault : Fault.values()) {
        double[][] wrong =
            GradientChecker.byTape(
                c,
                spoilt(c.function(), i, fault),
                c.values(),
                device,
                DType.F32,
                GradientChecker.all(c));
        assertNotNull(
            GradientChecker.complaint(wrong[i], expected[i]),
            "the check did not notice " + fault + " in the gradient of input " + i);
      }
    }
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("cases")
  void onlyWhatIsNeededIsComputed(Device device, Case c) {
    double[][] all = GradientChecker.byTape(c, c.values(), device, DType.F32);
    for (int i = 0; i < all.length; i++) {
      double[][] one = GradientChecker.byTape(c, c.function(), c.values(), device, DType.F32, i);
      for (int j = 0; j < all.length; j++) {
        if (j == i) {
          assertNull(GradientChecker.complaint(one[i], all[i], 1e-5), "gradient of input " + i);
        } else {
          assertNull(one[j], "input " + j + " is not tracked and has a gradient");
        }
      }
    }
  }

  /** Ways of getting a gradient wrong. */
  enum Fault {
    ONE_PER_CENT_TOO_LARGE,
    OPPOSITE_SIGN,
    LAST_ELEMENT_OFF,
    NOT_A_NUMBER
  }

  private static Function<Tensor[], Tensor> spoilt(
      Function<Tensor[], Tensor> function, int input, Fault fault) {
    return in -> {
      Tensor[] behind = in.clone();
      behind[input] = Operation.apply(new Spoiler(fault), in[input]);
      return function.apply(behind);
    };
  }

  /** The identity with a wrong backward. */
  record Spoiler(Fault fault) implements Operation {
    @Override
    public Tensor forward(Context context, Tensor... in) {
      return in[0].view(in[0].shape());
    }

    @Override
    public Tensor[] backward(Context context, Tensor dy) {
      float[] g = dy.toFloats();
      switch (fault) {
        case ONE_PER_CENT_TOO_LARGE -> scale(g, 1.01f);
        case OPPOSITE_SIGN -> scale(g, -1);
        case LAST_ELEMENT_OFF -> g[g.length - 1] += 0.01f * largest(g);
        case NOT_A_NUMBER -> g[0] = Float.NaN;
      }
      return new Tensor[] {dy.like().copyFrom(g)};
    }

    private static void scale(float[] g, float factor) {
      for (int i = 0; i < g.length; i++) {
        g[i] *= factor;
      }
    }

    private static float largest(float[] g) {
      float largest = 0;
      for (float v : g) {
        largest = Math.max(largest, Math.abs(v));
      }
      return largest;
    }
  }

  /** Recording may take another path than inference, for example to keep a pre-activation. */
  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("cases")
  void outputsAgreeOnEveryDeviceRecordedOrNot(Device device, Case c) {
    double[] expected =
        GradientChecker.doubles(
            GradientChecker.forward(c, c.values(), Device.reference(), DType.F32));
    double[] plain =
        GradientChecker.doubles(GradientChecker.forward(c, c.values(), device, DType.F32));
    assertNull(GradientChecker.complaint(plain, expected, 1e-5), "output without a tape");
    double[][] recorded = new double[1][];
    Function<Tensor[], Tensor> spying =
        in -> {
          Tensor y = c.function().apply(in);
          recorded[0] = GradientChecker.doubles(y.toFloats());
          return y;
        };
    GradientChecker.byTape(c, spying, c.values(), device, DType.F32, GradientChecker.all(c));
    assertNull(GradientChecker.complaint(recorded[0], expected, 1e-5), "output with a tape");
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("cases")
  void repeatsBitForBit(Device device, Case c) {
    double[][] first = GradientChecker.byTape(c, c.values(), device, DType.F32);
    double[][] second = GradientChecker.byTape(c, c.values(), device, DType.F32);
    for (int i = 0; i < first.length; i++) {
      assertArrayEquals(first[i], second[i]);
    }
  }

  /** bf16 keeps 8 bits: with inputs that it holds exactly, results agree to a few roundings. */
  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("cases")
  void bf16AgreesWithF32(Device device, Case c) {
    List<float[]> values = c.values();
    values.forEach(GradientTest::roundToBf16);
    double[] y = GradientChecker.doubles(GradientChecker.forward(c, values, device, DType.F32));
    double[] half = GradientChecker.doubles(GradientChecker.forward(c, values, device, DType.BF16));
    assertClose(half, y, "output");
    double[][] expected = GradientChecker.byTape(c, values, device, DType.F32);
    double[][] gradients = GradientChecker.byTape(c, values, device, DType.BF16);
    for (int i = 0; i < expected.length; i++) {
      assertClose(gradients[i], expected[i], "gradient of input " + i);
    }
  }

  private static void roundToBf16(float[] values) {
    for (int i = 0; i < values.length; i++) {
      int bits = Float.floatToRawIntBits(values[i]);
      values[i] = Float.intBitsToFloat(bits & 0xFFFF0000);
    }
  }

  private static void assertClose(double[] actual, double[] expected, String what) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
      norm += expected[i] * expected[i];
    }
    double error = Math.sqrt(difference / norm);
    assertTrue(
        error <= 0.015,
        () -> what + ": relative error " + error + " of " + Arrays.toString(actual));
  }
}
