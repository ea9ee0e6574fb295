package nacre.cli.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import nacre.cli.TestGpu;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.RunState;
import nacre.neuralassets.training.Trainer;
import nacre.neuralassets.training.TrainingMemory;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code ema_on_host}: averages in the host's memory of a model that is trained on a GPU. */
@Tag("cuda")
class EmaOnHostTest {
  private static final int STEPS = 4;

  private Device device;

  @BeforeEach
  void findsOne() {
    assumeTrue(TestGpu.find().isPresent(), "there is no GPU, and no simulated one was built");
    device = Device.of("cuda");
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private static Preset preset(boolean onHost) {
    String key = "\"training\": {\"ema_on_host\": " + onHost + ", ";
    return Preset.of("mine", Preset.builtin("tiny").json().replace("\"training\": {", key));
  }

  private static PairBatch batch() {
    Preset preset = preset(true);
    PairBatch batch = HeldOut.pairs(DataConfig.of(preset.data().orElseThrow()), 4, 16);
    for (int i = 0; i < 4; i++) {
      batch.timesteps()[i] = i * 200;
    }
    return batch;
  }

  private static Map<String, float[]> values(Map<String, Tensor> tensors) {
    Map<String, float[]> values = new TreeMap<>();
    tensors.forEach((name, tensor) -> values.put(name, tensor.toFloats()));
    return values;
  }

  private static void train(Trainer trainer, int until) {
    PairBatch batch = batch();
    while (trainer.steps() < until) {
      trainer.step(batch, 1e-3);
    }
  }

  @Test
  void followsWhatTheyAreOnTheDevice(@TempDir Path folder) throws IOException {
    Map<String, float[]> parameters;
    Map<String, float[]> averages;
    Map<String, float[]> held;
    try (Trainer there = new Trainer(preset(false), device, DType.BF16, 5)) {
      train(there, STEPS);
      parameters = values(there.parameters());
      averages = values(there.averagedParameters());
    }
    Checkpoint half;
    try (Trainer trainer = new Trainer(preset(true), device, DType.BF16, 5)) {
      train(trainer, STEPS / 2);
      RunState state =
          new RunState(STEPS / 2, STEPS, 0, 5, 0, "", DType.BF16, RunState.LossSum.NONE, List.of());
      half = Checkpoint.write(folder, trainer, state);
      train(trainer, STEPS);
      held = values(trainer.averagedParameters());
      values(trainer.parameters()).forEach((n, v) -> assertArrayEquals(parameters.get(n), v, n));
      held.forEach((name, v) -> assertArrayEquals(averages.get(name), v, 1e-6f, name));
      trainer
          .averagedParameters()
          .values()
          .forEach(average -> assertEquals(Device.host(), average.device()));
    }
    try (Trainer resumed = new Trainer(preset(true), device, DType.BF16, 5)) {
      half.restore(resumed);
      train(resumed, STEPS);
      values(resumed.averagedParameters())
          .forEach((name, v) -> assertArrayEquals(held.get(name), v, name));
    }
  }

  /**
   * The model of averages is on the GPU, has the averages of the last step, and goes with the next.
   */
  @Test
  void computesWithCopiesUntilTheNextStep() {
    try (Trainer trainer = new Trainer(preset(true), device, DType.BF16, 5)) {
      train(trainer, 1);
      long before = Memory.liveTensors();
      assertEquals(device, trainer.averaged().device());
      assertTrue(Memory.liveTensors() > before);
      PairBatch pairs = batch();
      float[] first = tokens(trainer, pairs);
      train(trainer, 2);
      assertEquals(before, Memory.liveTensors());
      float[] second = tokens(trainer, pairs);
      double moved = 0;
      for (int i = 0; i < first.length; i++) {
        moved = Math.max(moved, Math.abs(first[i] - second[i]));
      }
      assertTrue(moved > 1e-6, "the averages did not move");
    }
  }

  private static float[] tokens(Trainer trainer, PairBatch pairs) {
    try (Scope _ = Scope.open()) {
      return trainer.averaged().tokens(pairs.conditioning()).toFloats();
    }
  }

  @Test
  void takesNoneOfTheDevicesMemory() {
    TrainingMemory there = TrainingMemory.of(preset(false), device, DType.F32, 3);
    TrainingMemory here = TrainingMemory.of(preset(true), device, DType.F32, 3);
    assertEquals(0, here.averages());
    assertEquals(there.weights(), there.averages());
    assertEquals(there.total() - there.averages(), here.total(), 2048); // no second model is built
    TrainingMemory cpu = TrainingMemory.of(preset(true), Device.cpu(), DType.F32, 3);
    assertEquals(cpu.weights(), cpu.averages());
  }
}
