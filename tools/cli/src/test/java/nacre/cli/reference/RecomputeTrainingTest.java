package nacre.cli.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
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

/** Training with {@code gradient_checkpointing}: the same bits in less memory. */
@Tag("cuda")
class RecomputeTrainingTest {
  private static final int STEPS = 4; // on a GPU computed, captured and replayed twice

  /** What came of a run, and the memory of its first step beside parameters and batch. */
  private record Run(Map<String, float[]> bits, long bytes) {}

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  @ParameterizedTest
  @CsvSource({"cpu, F32", "cpu, BF16", "cuda, BF16"})
  void parametersAreTheSameToTheBit(String deviceName, DType compute) {
    assumeTrue(
        !deviceName.equals("cuda") || TestGpu.find().isPresent(),
        "there is no GPU, and no simulated one was built");
    Device device = Device.of(deviceName);
    String json = Preset.builtin("tiny").json();
    Run kept = train(Preset.of("kept", json), device, compute);
    String key = "\"training\": {\"gradient_checkpointing\": true, ";
    Preset recomputing = Preset.of("recomputed", json.replace("\"training\": {", key));
    assertTrue(recomputing.training().gradientCheckpointing());
    Run recomputed = train(recomputing, device, compute);
    assertEquals(kept.bits.keySet(), recomputed.bits.keySet());
    kept.bits.forEach((name, bits) -> assertArrayEquals(bits, recomputed.bits.get(name), name));
    String bytes = recomputed.bytes + " bytes, " + kept.bytes + " without";
    assertTrue(recomputed.bytes < 0.75 * kept.bytes, bytes);
  }

  private static Run train(Preset preset, Device device, DType compute) {
    try (Trainer trainer = new Trainer(preset, device, compute, 5)) {
      PairBatch batch = HeldOut.pairs(DataConfig.of(preset.data().orElseThrow()), 8, 16);
      for (int i = 0; i < 8; i++) {
        batch.timesteps()[i] = i * 100;
      }
      long before = Memory.liveBytes();
      Memory.resetPeak();
      Map<String, float[]> bits = new TreeMap<>();
      bits.put("loss 0", new float[] {(float) trainer.step(batch, 1e-3)});
      long bytes = Memory.peakBytes() - before;
      for (int i = 1; i < STEPS; i++) {
        bits.put("loss " + i, new float[] {(float) trainer.step(batch, 1e-3)});
      }
      trainer.parameters().forEach((name, tensor) -> bits.put(name, tensor.toFloats()));
      return new Run(bits, bytes);
    }
  }
}
