package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ParametersTest {
  private static final Device CPU = Device.cpu();

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private static Parameters create(long seed) {
    return Parameters.create(CPU, DType.F32, seed);
  }

  @Test
  void namesAreDottedAndOrdered() {
    try (Scope _ = Scope.open()) {
      Parameters p = create(1);
      new Linear(p.at("down_blocks").at(0).at("proj_in"), 2, 3);
      new Conv2d(p.at("conv_in"), 2, 3, 3, 1, 1);
      assertEquals(
          List.of(
              "down_blocks.0.proj_in.weight",
              "down_blocks.0.proj_in.bias",
              "conv_in.weight",
              "conv_in.bias"),
          List.copyOf(p.all().keySet()));
      assertEquals(Set.of("conv_in.weight", "conv_in.bias"), p.at("conv_in").all().keySet());
      assertEquals(6 + 3 + 54 + 3, p.count());
      assertThrows(IllegalStateException.class, () -> new Linear(p.at("conv_in"), 2, 3));
    }
  }

  @Test
  void valuesDependOnSeedAndNameAlone() {
    try (Scope _ = Scope.open()) {
      Tensor first = weight(create(1), "a");
      Parameters other = create(1);
      weight(other, "before");
      assertArrayEquals(first.toFloats(), weight(other, "a").toFloats());
      assertFalse(Arrays.equals(first.toFloats(), weight(other, "b").toFloats()));
      assertFalse(Arrays.equals(first.toFloats(), weight(create(2), "a").toFloats()));
    }
  }

  /** A seed must give the same model on every machine and in every version. */
  @Test
  void valuesArePinned() {
    try (Scope _ = Scope.open()) {
      float[] values = weight(create(1), "größe").toFloats();
      assertArrayEquals(
          new float[] {0.2676801f, -0.15289381f, 0.26569432f}, Arrays.copyOf(values, 3));
    }
  }

  @Test
  void packedParametersHaveTheSameValues() {
    try (Scope _ = Scope.open()) {
      Parameters p = create(1);
      float[] before = weight(p, "a").toFloats();
      assertSame(p, p.prepack());
      assertArrayEquals(before, p.all().get("a").toFloats());
    }
  }

  /** PyTorch draws biases from ±1/√fan-in, which for a convolution counts its whole window. */
  @Test
  void aConvolutionsBiasIsBoundedByItsWindow() {
    try (Scope _ = Scope.open()) {
      Parameters p = create(1);
      new Conv2d(p, 4, 4000, 3, 1, 1);
      float largest = 0;
      for (float b : p.all().get("bias").toFloats()) {
        largest = Math.max(largest, Math.abs(b));
      }
      assertEquals(1 / 6.0, largest, 1e-3); // 1/√(4 · 3 · 3)
    }
  }

  private static Tensor weight(Parameters p, String name) {
    return p.parameter(name, Shape.of(8, 6), Initializer.kaimingUniform());
  }

  @Test
  void initializersHaveTheMomentsTheyName() {
    try (Scope _ = Scope.open()) {
      Parameters p = create(5);
      Shape conv = Shape.of(64, 3, 3, 32); // 288 inputs per output
      moments(p.parameter("k", conv, Initializer.kaimingUniform()), 1 / Math.sqrt(3 * 288));
      moments(p.parameter("n", conv, Initializer.normal(0.02)), 0.02);
      moments(p.parameter("b", Shape.of(20_000), Initializer.bias(25)), 0.2 / Math.sqrt(3));
      float bound = (float) (1 / Math.sqrt(288));
      for (float v : p.all().get("k").toFloats()) {
        assertTrue(Math.abs(v) <= bound * 1.000001);
      }
      assertArrayEquals(
          new float[] {1, 1}, p.parameter("o", Shape.of(2), Initializer.ones()).toFloats());
    }
  }

  private static void moments(Tensor tensor, double standardDeviation) {
    double sum = 0;
    double squares = 0;
    for (float v : tensor.toFloats()) {
      sum += v;
      squares += v * v;
    }
    double mean = sum / tensor.elements();
    double deviation = Math.sqrt(squares / tensor.elements() - mean * mean);
    assertEquals(0, mean, 4 * standardDeviation / Math.sqrt(tensor.elements()));
    assertEquals(1, deviation / standardDeviation, 0.03);
  }

  @Test
  void narrowParametersAreRoundedOnes() {
    try (Scope _ = Scope.open()) {
      float[] wide = weight(create(1), "a").toFloats();
      float[] narrow = weight(Parameters.create(CPU, DType.BF16, 1), "a").toFloats();
      for (int i = 0; i < wide.length; i++) {
        assertEquals(wide[i], narrow[i], Math.abs(wide[i]) / 256);
      }
    }
  }

  @Test
  void frozenParametersAreNotTrained() {
    try (Scope _ = Scope.open()) {
      Parameters p = create(1);
      new Linear(p.at("encoder").frozen(), 2, 2);
      new Linear(p.at("head"), 2, 2);
      assertEquals(Set.of("head.weight", "head.bias"), p.trainable().keySet());
      assertEquals(4, p.all().size());
    }
  }

  @Test
  void aSecondModelIsBuiltOnTheSameTensors() {
    try (Scope _ = Scope.open()) {
      Parameters p = create(1);
      new Linear(p.at("l"), 2, 3);
      Parameters again = Parameters.over(p.all());
      new Linear(again.at("l"), 2, 3);
      p.all().forEach((name, tensor) -> assertSame(tensor, again.all().get(name)));
      Exception e =
          assertThrows(
              IllegalArgumentException.class,
              () -> new Linear(Parameters.over(p.all()).at("l"), 3, 3));
      assertTrue(e.getMessage().contains("l.weight"), e.getMessage());
      e =
          assertThrows(
              IllegalArgumentException.class,
              () -> new Linear(Parameters.over(Map.of()).at("l"), 3, 3));
      assertEquals("parameters: there is no l.weight", e.getMessage());
    }
  }
}
