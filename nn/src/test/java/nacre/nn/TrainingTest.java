package nacre.nn;

import static nacre.tensor.ops.MeanSquaredError.meanSquaredError;
import static nacre.tensor.ops.Reduce.sum;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;
import nacre.weights.SafeTensors;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The optimizer against PyTorch's, schedules, averages, and that stopping changes nothing. */
class TrainingTest {
  private static final Device CPU = Device.cpu();

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  @Test
  void stepsAsPyTorchDoes() throws IOException {
    try (Scope _ = Scope.open();
        Bundle bundle = Bundle.open("adamw-groups", CPU)) {
      Map<String, Tensor> parameters = new LinkedHashMap<>();
      for (String name : List.of("a.weight", "a.bias", "b.weight", "late")) {
        parameters.put(name, bundle.tensor("weight." + name));
      }
      AdamW.Config config = new AdamW.Config(0.9, 0.95, 1e-8, 0.1, 1.0);
      AdamW.Group biases = new AdamW.Group(name -> name.endsWith("bias"), 10, 0);
      AdamW optimizer = new AdamW(parameters, config, List.of(biases));
      float[] norms = bundle.tensor("output.norms").toFloats();
      for (int step = 0; step < 3; step++) {
        Map<Tensor, Tensor> gradients = new HashMap<>();
        Map<String, Tensor> after = new LinkedHashMap<>();
        for (Map.Entry<String, Tensor> parameter : parameters.entrySet()) {
          String key = "input." + step + "." + parameter.getKey();
          if (bundle.has(key)) {
            gradients.put(parameter.getValue(), bundle.tensor(key));
          }
          after.put("output." + step + "." + parameter.getKey(), parameter.getValue());
        }
        assertEquals(step == 0 ? 3 : 4, gradients.size());
        optimizer.setLearningRate(0.01);
        optimizer.step(gradients::get);
        bundle.assertClose(after);
        assertEquals(norms[step], optimizer.gradientNorm(), 1e-5 * norms[step]);
      }
    }
  }

  private static final class Model {
    final Parameters p = Parameters.create(CPU, DType.F32, 7);
    final Mlp mlp = new Mlp(p.at("mlp"), 3, 8, 2, Unary.SILU);
    final AdamW optimizer = new AdamW(p.all(), AdamW.Config.defaults().withMaxNorm(1));
    final Ema ema = new Ema(p.all(), 0.9, true);

    float step(int step) {
      try (Scope _ = Scope.open();
          Tape tape = Tape.open()) {
        Tensor x = Tensor.empty(CPU, DType.F32, Shape.of(16, 3));
        CPU.backend().normal(1, step, x);
        Tensor target = Tensor.full(CPU, DType.F32, Shape.of(16, 2), 0.5);
        Tensor loss = meanSquaredError(mlp.forward(x), target);
        optimizer.step(tape.backward(loss), 0.01);
        ema.update();
        return loss.item();
      }
    }
  }

  @Test
  void learnsWithoutLeaking() {
    try (Scope _ = Scope.open()) {
      Model model = new Model();
      float first = model.step(0);
      long tensors = Memory.liveTensors();
      long bytes = Memory.liveBytes();
      float last = first;
      for (int step = 1; step < 300; step++) {
        last = model.step(step);
        assertEquals(tensors, Memory.liveTensors());
        assertEquals(bytes, Memory.liveBytes());
      }
      assertTrue(last < first / 20, first + " to " + last);
    }
  }

  @Test
  void stoppingAndResumingChangesNoBit() throws IOException {
    Path weights = folder.resolve("model.safetensors");
    Path state = folder.resolve("optimizer.safetensors");
    Path averages = folder.resolve("ema.safetensors");
    Map<String, float[]> wanted = new HashMap<>();
    try (Scope _ = Scope.open()) {
      Model model = new Model();
      for (int step = 0; step < 10; step++) {
        if (step == 5) {
          new SafeTensorsWriter().addParameters(model.p.all()).write(weights);
          new SafeTensorsWriter().addParameters(model.optimizer.state()).write(state);
          new SafeTensorsWriter().addParameters(model.ema.tensors()).write(averages);
        }
        model.step(step);
      }
      model.p.all().forEach((name, tensor) -> wanted.put(name, tensor.toFloats()));
      model.ema.tensors().forEach((name, tensor) -> wanted.put("ema." + name, tensor.toFloats()));
    }
    try (Scope _ = Scope.open();
        StateDict savedWeights = StateDict.open(weights);
        StateDict savedState = StateDict.open(state);
        StateDict savedAverages = StateDict.open(averages)) {
      Model model = new Model();
      savedWeights.loadInto(model.p.all());
      model.optimizer.load(savedState);
      savedAverages.loadInto(model.ema.tensors());
      model.ema.resume(5);
      for (int step = 5; step < 10; step++) {
        model.step(step);
      }
      assertEquals(8, wanted.size());
      model.p.all().forEach((name, t) -> assertArrayEquals(wanted.get(name), t.toFloats(), name));
      model
          .ema
          .tensors()
          .forEach((name, t) -> assertArrayEquals(wanted.get("ema." + name), t.toFloats(), name));
      assertThrows(WeightsException.class, () -> model.optimizer.load(savedWeights));
    }
    try (SafeTensors file = SafeTensors.open(state)) {
      assertEquals(9, file.entries().size());
    }
  }

  @Test
  void trainsInTypesThatItCanRoundTo() {
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> half = Map.of("w", Tensor.zeros(CPU, DType.F16, Shape.of(2)));
      Exception e =
          assertThrows(
              IllegalArgumentException.class, () -> new AdamW(half, AdamW.Config.defaults()));
      assertEquals("AdamW: w is f16[2]@cpu; parameters are trained in f32 or bf16", e.getMessage());
    }
  }

  @Test
  void averagesForgetTheBeginning() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 1);
      Tensor w = p.parameter("w", Shape.of(1), Initializer.zeros());
      Tensor fixed = p.frozen().parameter("fixed", Shape.of(1), Initializer.ones());
      Ema warm = new Ema(p.all(), 0.999, true);
      Ema plain = new Ema(p.all(), 0.999, false);
      w.copyFrom(new float[] {1});
      warm.update();
      plain.update();
      assertEquals(0.9f, warm.tensors().get("w").item(), 1e-6); // decay 1/10
      assertEquals(0.001f, plain.tensors().get("w").item(), 1e-6);
      w.copyFrom(new float[] {0});
      warm.update();
      assertEquals(0.9f * 2 / 11, warm.tensors().get("w").item(), 1e-6); // decay 2/11
      assertTrue(warm.tensors().get("fixed") == fixed, "what is not trained is not copied");
      assertEquals(2, warm.updates());
      assertThrows(IllegalArgumentException.class, () -> new Ema(p.all(), 1.5, false));
      assertThrows(IllegalArgumentException.class, () -> new Ema(p.all(), -0.1, false));
      assertThrows(IllegalArgumentException.class, () -> new Ema(p.all(), Double.NaN, false));
    }
  }

  /** Without a past the average is the last value; with nothing but the past it never changes. */
  @Test
  void averagesMayKeepNothingOrAll() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 1);
      Tensor w = p.parameter("w", Shape.of(1), Initializer.zeros());
      Ema last = new Ema(p.all(), 0, false);
      Ema first = new Ema(p.all(), 1, false);
      w.copyFrom(new float[] {3});
      last.update();
      first.update();
      assertEquals(3, last.tensors().get("w").item());
      assertEquals(0, first.tensors().get("w").item());
    }
  }

  @Test
  void theStepAfterTheWarmUpIsTheFirstOfTheDecay() {
    LearningRate rate = new LearningRate.WarmUp(4, new LearningRate.Cosine(1, 0, 2));
    assertEquals(1, rate.at(3));
    assertEquals(1, rate.at(4));
    assertEquals(0.5, rate.at(5), 1e-12);
  }

  @Test
  void aRunShorterThanItsWarmUpWarmsUpAsFarAsItGets() {
    LearningRate rate = LearningRate.cosine(2e-3, 0, 100, 50);
    assertEquals(2e-5, rate.at(0), 1e-12);
    assertEquals(1e-3, rate.at(49), 1e-12);
  }

  @Test
  void ratesRiseAndFall() {
    LearningRate rate = LearningRate.cosine(2e-3, 2e-5, 100, 1100);
    assertEquals(2e-5, rate.at(0), 1e-12);
    assertEquals(1e-3, rate.at(49), 1e-12);
    assertEquals(2e-3, rate.at(100), 1e-12);
    assertEquals((2e-3 + 2e-5) / 2, rate.at(600), 1e-12);
    assertEquals(2e-5, rate.at(1100), 1e-12);
    assertEquals(2e-5, rate.at(9999), 1e-12);
    for (int step = 100; step < 1100; step++) {
      assertTrue(rate.at(step + 1) < rate.at(step));
    }
    assertEquals(3e-4, LearningRate.constant(3e-4).at(12345));
    assertEquals(1e-4, new LearningRate.WarmUp(3, LearningRate.constant(3e-4)).at(0), 1e-12);
  }

  /** The gradient would be that of a weight which is no more. */
  @ParameterizedTest
  @ValueSource(strings = {"AdamW", "SGD"})
  void anUpdateBetweenForwardAndBackwardIsRefused(String name) {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 1);
      Sequential model = Sequential.of(new Linear(p.at("a"), 2, 2), new Linear(p.at("b"), 2, 2));
      Tensor x = Tensor.full(CPU, DType.F32, Shape.of(1, 2), 1);
      Optimizer optimizer =
          name.equals("SGD") ? new Sgd(p.trainable(), 0.1) : new AdamW(p.trainable(), 0.1);
      try (Tape first = Tape.open()) {
        Gradients gradients = first.backward(sum(model.forward(x)));
        try (Tape second = Tape.open()) {
          Tensor loss = sum(model.forward(x));
          optimizer.step(gradients);
          String message =
              assertThrows(IllegalStateException.class, () -> second.backward(loss)).getMessage();
          assertTrue(message.contains("Linear[f=null] saved f32[2, 2]@cpu, which "), message);
          String writer = name.equals("SGD") ? "subtract" : "adamW";
          assertTrue(message.contains("which " + writer + " has written since"), message);
        }
      }
    }
  }
}
