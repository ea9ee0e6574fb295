package nacre.neuralassets.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.TinyLatent;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is said of memory before a run, beside what the run then takes. */
class TrainingMemoryTest {
  private static final int PAIRS = 8;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static Preset preset(String json, String keys) {
    return Preset.of("mine", json.replace("\"training\": {", "\"training\": {" + keys));
  }

  /** Tensors take what was counted, all but what an operation borrows for its own time. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | F32",
        "'' | BF16",
        "'\"gradient_checkpointing\": true, ' | F32",
        "'\"prepack_frozen\": true, \"trainable\": [\"*attn*\"], ' | F32",
        "'\"gradient_accumulation_steps\": 4, ' | F32",
        "'\"optimizer_state\": \"int8\", \"gradient_accumulation_steps\": 2, ' | F32",
        "'\"parameters\": \"bfloat16\", ' | BF16",
        "'\"parameters\": \"bfloat16\", \"rounding\": \"compensated\","
            + " \"gradient_accumulation_steps\": 2, ' | BF16"
      })
  void aRunTakesWhatWasSaid(String keys, DType compute) {
    for (String json : List.of(Preset.builtin("tiny").json(), TinyLatent.preset().json())) {
      Preset preset = preset(json, keys);
      DataConfig data = DataConfig.of(preset.data().orElseThrow());
      TrainingMemory said = TrainingMemory.of(preset, Device.cpu(), compute, data.slots());
      assertEquals(0, Memory.liveTensors());
      PairBatch batch = HeldOut.pairs(data, PAIRS, preset.imageSize());
      assertEquals(PAIRS, preset.training().batchSize());
      Memory.resetPeak();
      try (Trainer trainer = new Trainer(preset, Device.cpu(), compute, 1)) {
        for (int step = 0; step < 2; step++) {
          trainer.step(batch, 1e-3);
        }
        double taken = Memory.peakBytes();
        assertEquals(taken, said.total(), 0.02 * taken, said.describe());
      }
    }
  }

  @Test
  void parametersInBf16AreHalfAsLargeAndSoAreTheirGradients() {
    String json = Preset.builtin("tiny").json();
    long f32 = TrainingMemory.of(preset(json, ""), Device.cpu(), DType.F32, 3).weights();
    String keys = "\"parameters\": \"bfloat16\", ";
    Preset chance = preset(json, keys);
    TrainingMemory memory = TrainingMemory.of(chance, Device.cpu(), DType.F32, 3);
    assertEquals(f32 / 2, memory.weights());
    assertEquals(f32 / 2, memory.gradients());
    assertEquals(f32, memory.averages());
    Preset exact = preset(json, keys + "\"rounding\": \"compensated\", ");
    TrainingMemory compensated = TrainingMemory.of(exact, Device.cpu(), DType.F32, 3);
    assertEquals(memory.moments() + f32 / 2, compensated.moments());
    Preset parts = preset(json, keys + "\"gradient_accumulation_steps\": 2, ");
    TrainingMemory summed = TrainingMemory.of(parts, Device.cpu(), DType.F32, 3);
    assertEquals(f32, summed.gradients());
  }

  @Test
  void eachPartIsWhatItsTensorsHold() {
    Preset preset = preset(Preset.builtin("tiny").json(), "\"optimizer_state\": \"bfloat16\",");
    TrainingMemory memory = TrainingMemory.of(preset, Device.cpu(), DType.F32, 3);
    long count;
    int tensors;
    try (Trainer trainer = new Trainer(preset, Device.cpu(), 1)) {
      count = trainer.parameterCount();
      tensors = trainer.parameters().size();
    }
    assertEquals(4 * count, memory.weights());
    assertEquals(4 * count, memory.gradients());
    assertEquals(4 * count + 4L * tensors, memory.moments()); // and a count for each
    assertEquals(4 * count, memory.averages());
    assertTrue(memory.activations() > 0, memory.describe());
    String json = preset.json().replace("\"ema_decay\": 0.99", "\"ema_decay\": 0");
    TrainingMemory none = TrainingMemory.of(Preset.of("none", json), Device.cpu(), DType.F32, 3);
    assertEquals(0, none.averages());
    assertEquals(memory.total() - 4 * count, none.total());
  }
}
