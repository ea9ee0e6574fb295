package nacre.cli.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Map;
import java.util.TreeMap;
import nacre.cli.TestGpu;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.training.Trainer;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Training with {@code optimizer_state} and {@code parameters}: how far moments and parameters in
 * fewer bits lead from those in f32. {@code nacre bench optimizer} makes a table of it.
 */
@Tag("cuda")
class OptimizerStateTest {
  /** What came of a run: losses, and how each parameter changed. */
  private record Run(double[] losses, Map<String, float[]> changes, long stateBytes) {}

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  /**
   * After so many steps the changes of all parameters are off by less than {@code error}. Many of
   * the smallest model's tensors are too small for codes, so that those take more than a quarter.
   */
  @ParameterizedTest
  @CsvSource({
    "cpu, bfloat16, 40, 0.05, 0.51",
    "cpu, int8, 40, 0.2, 0.6",
    "cuda, bfloat16, 3, 0.05, 0.51",
    "cuda, int8, 3, 0.2, 0.6"
  })
  void learnsWhatFloat32Learns(
      String deviceName, String state, int steps, double error, double size) {
    assumeTrue(
        !deviceName.equals("cuda") || TestGpu.find().isPresent(),
        "there is no GPU, and no simulated one was built");
    Run wanted = train("float32", Device.cpu(), steps);
    Run got = train(state, Device.of(deviceName), steps);
    double off = distance(got, wanted);
    assertTrue(off > 1e-6 && off < error, "changes are off by " + off);
    double last = wanted.losses[steps - 1];
    assertEquals(last, got.losses[steps - 1], 0.05 * last);
    String bytes = got.stateBytes + " bytes of " + wanted.stateBytes;
    assertTrue(got.stateBytes < size * wanted.stateBytes, bytes);
  }

  private static double distance(Run got, Run wanted) {
    double difference = 0;
    double whole = 0;
    for (Map.Entry<String, float[]> entry : wanted.changes.entrySet()) {
      float[] mine = got.changes.get(entry.getKey());
      for (int i = 0; i < mine.length; i++) {
        double d = mine[i] - entry.getValue()[i];
        difference += d * d;
        whole += (double) entry.getValue()[i] * entry.getValue()[i];
      }
    }
    return Math.sqrt(difference / whole);
  }

  /**
   * Parameters in bf16, which f32 gradients move: rounding by chance is noise of some of bf16's
   * units, and a compensation has 16 bits, so that it comes closer, the more so the more steps.
   */
  @ParameterizedTest
  @CsvSource({"cpu, 40, 0.5", "cuda, 3, 0.7"})
  void parametersInBf16FollowFloat32(String deviceName, int steps, double closer) {
    assumeTrue(
        !deviceName.equals("cuda") || TestGpu.find().isPresent(),
        "there is no GPU, and no simulated one was built");
    Device device = Device.of(deviceName);
    Run wanted = train("float32", Device.cpu(), steps);
    Run exact = train(narrow("compensated"), device, steps);
    Run chance = train(narrow("stochastic"), device, steps);
    double near = distance(exact, wanted);
    double far = distance(chance, wanted);
    assertTrue(near < closer * far, near + " and " + far);
    assertTrue(far < 0.6, near + " and " + far);
    double last = wanted.losses[steps - 1];
    assertEquals(last, exact.losses[steps - 1], 0.05 * last);
    assertEquals(last, chance.losses[steps - 1], 0.05 * last);
  }

  private static String narrow(String rounding) {
    return "float32\", \"parameters\": \"bfloat16\", \"rounding\": \"" + rounding;
  }

  private static Run train(String state, Device device, int steps) {
    String key = "\"training\": {\"optimizer_state\": \"" + state + "\", ";
    String json = Preset.builtin("tiny").json().replace("\"training\": {", key);
    Preset preset = Preset.of("mine", json);
    try (Trainer trainer = new Trainer(preset, device, DType.F32, 5)) {
      PairBatch batch = HeldOut.pairs(DataConfig.of(preset.data().orElseThrow()), 4, 16);
      for (int i = 0; i < 4; i++) {
        batch.timesteps()[i] = i * 200;
      }
      Map<String, float[]> changes = new TreeMap<>();
      trainer.parameters().forEach((name, tensor) -> changes.put(name, tensor.toFloats()));
      double[] losses = new double[steps];
      for (int i = 0; i < steps; i++) {
        losses[i] = trainer.step(batch, 1e-3);
      }
      trainer
          .parameters()
          .forEach(
              (name, tensor) -> {
                float[] after = tensor.toFloats();
                float[] change = changes.get(name);
                for (int i = 0; i < after.length; i++) {
                  change[i] = after[i] - change[i];
                }
              });
      long bytes = trainer.optimizer().state().values().stream().mapToLong(t -> t.bytes()).sum();
      return new Run(losses, changes, bytes);
    }
  }
}
