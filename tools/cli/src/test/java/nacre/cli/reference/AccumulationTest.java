package nacre.cli.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Training with {@code gradient_accumulation_steps}: the same steps in less memory. */
@Tag("cuda")
class AccumulationTest {
  private static final int PAIRS = 8;

  /**
   * What came of a run.
   *
   * @param changes of the parameters by name
   * @param bytes the most that its second step took beside what was there before the first
   */
  private record Run(
      double[] losses,
      double[] norms,
      Map<String, float[]> changes,
      double parameters,
      long bytes) {}

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  /** A batch computed in parts has the noise, the loss, the norm and the update of the whole. */
  @ParameterizedTest
  @CsvSource({"cpu, F32, 2, 1e-4", "cpu, F32, 8, 1e-4", "cpu, BF16, 4, 0.05", "cuda, F32, 2, 1e-4"})
  void aBatchInPartsIsTheWholeBatch(String deviceName, DType compute, int parts, double tolerance) {
    Device device = device(deviceName);
    int steps = deviceName.equals("cuda") ? 2 : 6;
    Run whole = train(1, device, compute, steps);
    Run accumulated = train(parts, device, compute, steps);
    for (int i = 0; i < steps; i++) {
      assertEquals(whole.losses[i], accumulated.losses[i], tolerance * whole.losses[i], "loss");
      assertEquals(whole.norms[i], accumulated.norms[i], 10 * tolerance * whole.norms[i], "norm");
    }
    Comparison changes = new Comparison();
    whole.changes.forEach(
        (name, wanted) -> changes.add(name, accumulated.changes.get(name), wanted));
    changes.assertCloseTogether(10 * tolerance);
  }

  /** Beside the inputs and one set of gradients only one part's activations are held. */
  @Test
  void memoryIsThatOfOnePart() {
    Run whole = train(1, Device.cpu(), DType.F32, 2);
    Run parts = train(8, Device.cpu(), DType.F32, 2);
    double most = whole.bytes / 8.0 + whole.parameters * Float.BYTES;
    assertTrue(parts.bytes < 1.15 * most, parts.bytes + " bytes, " + most + " expected");
  }

  @Test
  void batchesThatCannotBeCutAreRefused() {
    Preset preset = preset(4);
    try (Trainer trainer = new Trainer(preset, Device.cpu(), 5)) {
      PairBatch batch = HeldOut.pairs(DataConfig.of(preset.data().orElseThrow()), 6, 16);
      Exception e = assertThrows(IllegalArgumentException.class, () -> trainer.step(batch, 1e-3));
      assertEquals("6 pairs cannot be computed in 4 equal micro-batches", e.getMessage());
    }
    Exception e = assertThrows(IllegalArgumentException.class, () -> preset(3));
    assertTrue(e.getMessage().contains("training.gradient_accumulation_steps is 3"), e.toString());
  }

  private static Device device(String name) {
    assumeTrue(
        !name.equals("cuda") || TestGpu.find().isPresent(),
        "there is no GPU, and no simulated one was built");
    return Device.of(name);
  }

  private static Preset preset(int parts) {
    String key = "\"training\": {\"gradient_accumulation_steps\": " + parts + ", ";
    // Adam's first steps are g / (|g| + eps): with the usual eps the rounding of gradients that are
    // nearly zero would be magnified.
    String json =
        Preset.builtin("tiny")
            .json()
            .replace("\"training\": {", key)
            .replace("\"adam_epsilon\": 1e-08", "\"adam_epsilon\": 1e-03");
    return Preset.of("accumulating", json);
  }

  private static Run train(int parts, Device device, DType compute, int steps) {
    Preset preset = preset(parts);
    assertEquals(parts, preset.training().gradientAccumulationSteps());
    try (Trainer trainer = new Trainer(preset, device, compute, 5)) {
      PairBatch batch = HeldOut.pairs(DataConfig.of(preset.data().orElseThrow()), PAIRS, 16);
      for (int i = 0; i < PAIRS; i++) {
        batch.timesteps()[i] = i * 100;
      }
      Map<String, float[]> changes = new TreeMap<>();
      trainer.parameters().forEach((name, tensor) -> changes.put(name, tensor.toFloats()));
      double[] losses = new double[steps];
      double[] norms = new double[steps];
      long before = Memory.liveBytes();
      for (int i = 0; i < steps; i++) {
        Memory.resetPeak();
        losses[i] = trainer.step(batch, 1e-3);
        norms[i] = trainer.gradientNorm();
      }
      long bytes = Memory.peakBytes() - before;
      trainer
          .parameters()
          .forEach((name, tensor) -> subtract(tensor.toFloats(), changes.get(name)));
      return new Run(losses, norms, changes, trainer.parameterCount(), bytes);
    }
  }

  private static void subtract(float[] after, float[] before) {
    for (int i = 0; i < after.length; i++) {
      before[i] = after[i] - before[i];
    }
  }
}
