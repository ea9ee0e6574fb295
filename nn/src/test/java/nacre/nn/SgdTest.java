package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Values worked out by hand from PyTorch's rule. */
class SgdTest {
  private static final Device CPU = Device.cpu();

  @BeforeEach
  void poison() {
    Memory.poisonNewTensors(true);
  }

  @AfterEach
  void nothingIsLeft() {
    Memory.poisonNewTensors(false);
    assertEquals(0, Memory.liveTensors());
  }

  /** A parameter that begins at 1 takes steps of rate 0.1 at a gradient of 0.5. */
  private static void assertSteps(Sgd.Config config, double... wanted) {
    try (Scope _ = Scope.open()) {
      Tensor p = Tensor.of(CPU, Shape.of(1), 1);
      Tensor gradient = Tensor.of(CPU, Shape.of(1), 0.5f);
      Optimizer optimizer = new Sgd(Map.of("p", p), config);
      optimizer.setLearningRate(0.1);
      for (double value : wanted) {
        optimizer.step(_ -> gradient);
        assertEquals(value, p.item(), 2e-7, () -> config + " at " + value);
      }
      assertEquals(0.5f, gradient.item(), "a gradient is to be read only");
    }
  }

  @Test
  void stepsAsPyTorchDoes() {
    assertSteps(Sgd.Config.defaults(), 0.95, 0.9, 0.85);
    // m: 0.5, 0.95, 1.355
    assertSteps(Sgd.Config.withMomentum(0.9), 0.95, 0.855, 0.7195);
    // g + 0.9 m: 0.95, 1.355, 1.7195
    assertSteps(new Sgd.Config(0.9, true, 0), 0.905, 0.7695, 0.59755);
    // g: 0.6, 0.594
    assertSteps(new Sgd.Config(0, false, 0.1), 0.94, 0.8806);
    // g: 0.6, 0.594; m: 0.6, 1.134
    assertSteps(new Sgd.Config(0.9, false, 0.1), 0.94, 0.8266);
    // g: 0.6, 0.5886; m: 0.6, 1.1286; g + 0.9 m: 1.14, 1.60434
    assertSteps(new Sgd.Config(0.9, true, 0.1), 0.886, 0.725566);
  }

  @Test
  void aNewRateDoesNotChangeTheMomentum() {
    try (Scope _ = Scope.open()) {
      Tensor p = Tensor.of(CPU, Shape.of(1), 1);
      Tensor gradient = Tensor.of(CPU, Shape.of(1), 0.5f);
      Sgd optimizer = new Sgd(Map.of("p", p), Sgd.Config.withMomentum(0.9));
      optimizer.setLearningRate(0.1);
      optimizer.step(_ -> gradient);
      optimizer.setLearningRate(0.01);
      optimizer.step(_ -> gradient);
      assertEquals(0.95 - 0.01 * 0.95, p.item(), 1e-7);
    }
  }

  @Test
  void whatHasNoGradientStays() {
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> parameters = new LinkedHashMap<>();
      parameters.put("a", Tensor.of(CPU, Shape.of(2, 2), 1, 2, 3, 4));
      parameters.put("b", Tensor.of(CPU, Shape.of(3), 5, 6, 7));
      Sgd optimizer = new Sgd(parameters, new Sgd.Config(0.5, false, 0.5));
      optimizer.setLearningRate(1);
      Tensor a = parameters.get("a");
      Tensor gradient = Tensor.zeros(CPU, DType.F32, a.shape());
      long live = Memory.liveTensors();
      optimizer.step(p -> p == a ? gradient : null);
      assertEquals(live, Memory.liveTensors());
      assertArrayEquals(new float[] {0.5f, 1, 1.5f, 2}, a.toFloats());
      assertArrayEquals(new float[] {5, 6, 7}, parameters.get("b").toFloats());
      assertArrayEquals(new float[3], optimizer.state().get("momentum.b").toFloats());
    }
  }

  @Test
  void stoppingAndResumingChangesNoBit(@TempDir Path folder) throws IOException {
    try (Scope _ = Scope.open()) {
      Tensor p = Tensor.of(CPU, Shape.of(3), 1, 2, 3);
      Tensor gradient = Tensor.of(CPU, Shape.of(3), 0.3f, -0.2f, 0.1f);
      Sgd optimizer = new Sgd(Map.of("p", p), new Sgd.Config(0.9, true, 0.01));
      optimizer.setLearningRate(0.1);
      optimizer.step(_ -> gradient);
      Tensor again = Tensor.of(CPU, Shape.of(3), p.toFloats());
      Path file = folder.resolve("sgd.safetensors");
      new SafeTensorsWriter().addParameters(optimizer.state()).write(file);
      optimizer.step(_ -> gradient);
      Sgd resumed = new Sgd(Map.of("p", again), new Sgd.Config(0.9, true, 0.01));
      resumed.setLearningRate(0.1);
      try (StateDict saved = StateDict.open(file)) {
        resumed.load(saved);
        Sgd other = new Sgd(Map.of("q", again), new Sgd.Config(0.9, true, 0.01));
        assertThrows(WeightsException.class, () -> other.load(saved));
      }
      resumed.step(_ -> gradient);
      assertArrayEquals(p.toFloats(), again.toFloats());
    }
  }

  @Test
  void withoutMomentumThereIsNoState() {
    try (Scope _ = Scope.open()) {
      Tensor p = Tensor.of(CPU, Shape.of(2), 1, 2);
      Sgd plain = new Sgd(Map.of("p", p), 0.5);
      assertEquals(Map.of(), plain.state());
      plain.step(_ -> Tensor.of(CPU, Shape.of(2), 1, -1));
      assertArrayEquals(new float[] {0.5f, 2.5f}, p.toFloats());
    }
  }

  @Test
  void misuseIsNamed() {
    try (Scope _ = Scope.open()) {
      Tensor p = Tensor.of(CPU, Shape.of(1), 1);
      Sgd sgd = new Sgd(Map.of("p", p), Sgd.Config.defaults());
      AdamW adamW = new AdamW(Map.of("p", p), AdamW.Config.defaults());
      assertRefused(
          IllegalStateException.class,
          "SGD: no learning rate was set; call setLearningRate before the first step",
          () -> sgd.step(_ -> p));
      assertRefused(
          IllegalStateException.class,
          "AdamW: no learning rate was set; call setLearningRate before the first step",
          () -> adamW.step(_ -> p));
      assertEquals(1, p.item());
      assertRefused(
          IllegalArgumentException.class,
          "SGD: there are no parameters to train",
          () -> new Sgd(Map.of(), 0.1));
      assertRefused(
          IllegalArgumentException.class,
          "SGD: p is i32[1]@cpu; parameters are trained in f32",
          () -> new Sgd(Map.of("p", Tensor.ofInts(CPU, Shape.of(1), 1)), 0.1));
      assertRefused(
          IllegalArgumentException.class,
          "SGD: momentum must be a number from 0 to 0.999999, not 1.0",
          () -> Sgd.Config.withMomentum(1));
      assertThrows(IllegalArgumentException.class, () -> new Sgd.Config(0, false, -1));
      assertRefused(
          IllegalArgumentException.class,
          "SGD: Nesterov's way wants a momentum above 0",
          () -> new Sgd.Config(0, true, 0));
    }
  }

  private static void assertRefused(
      Class<? extends Exception> type, String message, Runnable misuse) {
    assertEquals(message, assertThrows(type, misuse::run).getMessage());
  }
}
