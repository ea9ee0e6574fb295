package nacre.neuralassets.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.data.PairSampler;
import nacre.neuralassets.data.RenderedClips;
import nacre.neuralassets.evaluation.Evaluation;
import nacre.neuralassets.model.Conditioning;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.model.TrainingConfig;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.StateDict;
import nacre.weights.StoredType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class TrainerTest {
  private static final long SEED = 7;
  private static final long TOTAL = 12;

  private final Preset preset = Preset.builtin("tiny");
  private final DataConfig data = DataConfig.of(preset.data().orElseThrow());

  private PairSampler sampler() {
    var source = new RenderedClips(data, HeldOut.trainingScenes(SEED), preset.imageSize());
    ClipPool clips = assertDoesNotThrow(() -> new ClipPool(source, data, preset.imageSize()));
    var diffusion = new PairSampler.Diffusion(0.1, 1000, 1);
    return new PairSampler(clips, data, diffusion, SEED, preset.imageSize());
  }

  private Trainer trainer() {
    return trainer(DType.F32);
  }

  private Trainer trainer(DType compute) {
    return new Trainer(preset, Device.cpu(), compute, SEED);
  }

  private static void train(Trainer trainer, PairSampler pairs, long until) {
    TrainingConfig t = trainer.preset().training();
    while (trainer.steps() < until) {
      double rate = RunLength.rate(t, trainer.steps(), TOTAL);
      trainer.step(pairs.batch(trainer.steps(), t.batchSize()), rate);
    }
  }

  private static RunState state(Trainer trainer) {
    return new RunState(
        trainer.steps(), TOTAL, 0, SEED, 1.5, "", DType.F32, RunState.LossSum.NONE, List.of());
  }

  /** All numbers that a run carries from step to step. */
  private static Map<String, float[]> bits(Trainer trainer) {
    Map<String, float[]> bits = new LinkedHashMap<>();
    trainer.parameters().forEach((name, tensor) -> bits.put(name, tensor.toFloats()));
    trainer.averagedParameters().forEach((name, t) -> bits.put("ema." + name, t.toFloats()));
    Map<String, Tensor> state = trainer.optimizer().state();
    state.forEach(
        (name, tensor) -> {
          if (!name.equals("steps")) {
            bits.put("optimizer." + name, tensor.toFloats());
          }
        });
    return bits;
  }

  private static void assertSame(Map<String, float[]> expected, Map<String, float[]> actual) {
    assertEquals(expected.keySet(), actual.keySet());
    expected.forEach((name, values) -> assertArrayEquals(values, actual.get(name), name));
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void resumingIsTheSameToTheBitAsNeverHavingStopped(DType compute, @TempDir Path folder)
      throws IOException {
    assertResumes(() -> trainer(compute), folder);
  }

  @ParameterizedTest
  @CsvSource({
    "stochastic, float32, 1, 0.99",
    "compensated, bfloat16, 2, 0.99",
    "stochastic, int8, 2, 0"
  })
  void resumingParametersInBf16IsTheSameToTheBit(
      String rounding, String state, int parts, double ema, @TempDir Path folder)
      throws IOException {
    String keys =
        String.format(
            Locale.ROOT,
            "\"training\": {\"parameters\": \"bfloat16\", \"rounding\": \"%s\","
                + " \"optimizer_state\": \"%s\", \"gradient_accumulation_steps\": %d,",
            rounding,
            state,
            parts);
    String json =
        preset
            .json()
            .replace("\"training\": {", keys)
            .replace("\"ema_decay\": 0.99", "\"ema_decay\": " + ema);
    Preset narrow = Preset.of("narrow", json);
    assertResumes(() -> new Trainer(narrow, Device.cpu(), DType.BF16, SEED), folder);
    Path unet = folder.resolve("step-000000006/ema/unet");
    try (StateDict saved = StateDict.open(unet, "diffusion_pytorch_model")) {
      StoredType wanted = ema == 0 ? StoredType.BF16 : StoredType.F32;
      assertEquals(wanted, saved.entries().get("conv_in.weight").type());
    }
  }

  /** The checkpoint in the middle lays the weights out again. */
  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void prepackedFrozenWeightsTrainAlike(DType compute, @TempDir Path folder) throws IOException {
    String keys = "\"training\": {\"trainable\": [\"*attn*\", \"neck*\"], \"prepack_frozen\": ";
    String json = preset.json();
    Preset plain = Preset.of("plain", json.replace("\"training\": {", keys + "false,"));
    Preset packed = Preset.of("packed", json.replace("\"training\": {", keys + "true,"));
    assertResumes(() -> new Trainer(packed, Device.cpu(), compute, SEED), folder);
    try (Trainer a = new Trainer(plain, Device.cpu(), compute, SEED);
        Trainer b = new Trainer(packed, Device.cpu(), compute, SEED)) {
      PairSampler pairs = sampler();
      train(a, pairs, 3);
      train(b, pairs, 3);
      // Weights in another type than is computed in are cast, which lays them out again.
      boolean same = compute == DType.F32;
      assertEquals(same, b.parameters().get("unet.conv_out.weight").prepacked());
      Map<String, float[]> near = bits(b);
      bits(a).forEach((name, values) -> assertArrayEquals(values, near.get(name), 1e-4f, name));
    }
  }

  private void assertResumes(Supplier<Trainer> start, Path folder) throws IOException {
    Map<String, float[]> whole;
    try (Trainer trainer = start.get()) {
      train(trainer, sampler(), TOTAL);
      whole = bits(trainer);
    }
    Checkpoint half;
    try (Trainer trainer = start.get()) {
      train(trainer, sampler(), TOTAL / 2);
      half = Checkpoint.write(folder, trainer, state(trainer));
      assertFalse(Arrays.equals(whole.get("neck.weight"), bits(trainer).get("neck.weight")));
    }
    try (Trainer trainer = start.get()) {
      half.restore(trainer);
      assertEquals(TOTAL / 2, trainer.steps());
      train(trainer, sampler(), TOTAL);
      assertSame(whole, bits(trainer));
    }
    assertEquals(0, Memory.liveTensors());
  }

  @Test
  void noStepLeavesTensorsBehindAndTheLossFalls() {
    try (Trainer trainer = trainer()) {
      PairSampler pairs = sampler();
      double first = 0;
      double last = 0;
      long tensors = 0;
      long bytes = 0;
      for (int step = 0; step < 60; step++) {
        double loss = trainer.step(pairs.batch(step, 8), 2e-3);
        tensors = step == 0 ? Memory.liveTensors() : tensors; // what it reads stays
        bytes = step == 0 ? Memory.liveBytes() : bytes;
        assertEquals(tensors, Memory.liveTensors());
        assertEquals(bytes, Memory.liveBytes());
        first += step < 10 ? loss : 0;
        last += step >= 50 ? loss : 0;
      }
      assertTrue(last < first, "mean loss went from %f to %f".formatted(first / 10, last / 10));
    }
    assertEquals(0, Memory.liveTensors());
    assertEquals(0, Memory.liveBytes());
  }

  @Test
  void batchesMayChangeTheirExtents() {
    try (Trainer trainer = trainer()) {
      PairSampler pairs = sampler();
      for (int images : new int[] {8, 3, 8, 8}) {
        assertTrue(Double.isFinite(trainer.step(pairs.batch(trainer.steps(), images), 2e-3)));
      }
      long tensors = Memory.liveTensors();
      trainer.step(pairs.batch(trainer.steps(), 5), 2e-3);
      assertEquals(tensors, Memory.liveTensors()); // what earlier batches were read from is gone
    }
    assertEquals(0, Memory.liveTensors());
  }

  /** What is trained is f32 whatever is computed in, and comes out nearly the same. */
  @Test
  void bfloat16LearnsWhatFloat32Learns() {
    double[] losses = new double[2];
    for (DType compute : new DType[] {DType.F32, DType.BF16}) {
      try (Trainer trainer = trainer(compute)) {
        PairSampler pairs = sampler();
        for (int step = 0; step < 16; step++) {
          losses[compute == DType.F32 ? 0 : 1] += trainer.step(pairs.batch(step, 8), 2e-3) / 16;
        }
        trainer.parameters().values().forEach(p -> assertEquals(DType.F32, p.dtype()));
        trainer.averagedParameters().values().forEach(p -> assertEquals(DType.F32, p.dtype()));
      }
    }
    assertEquals(losses[0], losses[1], 0.02 * losses[0]);
    assertNotEquals(losses[0], losses[1]);
  }

  @Test
  void theModelFolderOfACheckpointIsTheAveragedModel(@TempDir Path folder) throws IOException {
    try (Trainer trainer = trainer();
        Scope _ = Scope.open()) {
      train(trainer, sampler(), 3);
      Checkpoint written = Checkpoint.write(folder, trainer, state(trainer));
      NeuralAssets loaded = ModelFolder.load(written.model(), Device.cpu());
      assertEquals("tiny", loaded.preset().name());
      PairBatch pairs = HeldOut.pairs(data, 3, preset.imageSize());
      Evaluation mine = Evaluation.of(new Sampler(trainer.averaged(), 2, 1.5), pairs, n -> {});
      Evaluation its = Evaluation.of(new Sampler(loaded, 2, 1.5), pairs, n -> {});
      // The loaded weights are prepacked: the library multiplies by them in another order.
      assertEquals(mine.model().psnr(), its.model().psnr(), 1e-3);
      assertEquals(mine.model().ssim(), its.model().ssim(), 1e-4);
      assertEquals(mine.foreign().psnr(), its.foreign().psnr(), 1e-3);
      for (String file :
          List.of(
              "model_index.json",
              "unet/config.json",
              "unet/diffusion_pytorch_model.safetensors",
              "image_encoder/model.safetensors",
              "scheduler/scheduler_config.json",
              "asset_tokens/model.safetensors")) {
        assertTrue(Files.isRegularFile(written.model().resolve(file)), file);
      }
    }
  }

  /** Of the first step every change is the learning rate times what no rate changes. */
  @Test
  void theEncoderLearnsAtItsOwnRateOrNotAtAll() {
    String json = preset.json();
    Map<String, float[]> usual = changes(json);
    Map<String, float[]> slow = changes(withEncoderFactor(json, 0.25));
    Map<String, float[]> frozen = changes(withEncoderFactor(json, 0));
    assertEquals(usual.keySet(), frozen.keySet());
    usual.forEach(
        (name, change) -> {
          boolean encoder = name.startsWith("vit.");
          float[] wanted = new float[change.length];
          for (int i = 0; i < change.length && encoder; i++) {
            wanted[i] = change[i] / 4;
          }
          assertArrayEquals(encoder ? wanted : change, slow.get(name), 2e-7f, name);
          if (encoder) {
            assertArrayEquals(new float[change.length], frozen.get(name), name);
          }
        });
    assertTrue(usual.get("vit.layernorm.bias")[0] != 0);
    assertTrue(frozen.get("neck.bias")[0] != 0);
  }

  private static String withEncoderFactor(String json, double factor) {
    return json.replace(
        "\"training\": {", "\"training\": {\"encoder_learning_rate_factor\": " + factor + ",");
  }

  /** What one step at a rate of 1e-3 changes, by parameter. */
  private Map<String, float[]> changes(String json) {
    Map<String, float[]> changes = new LinkedHashMap<>();
    try (Trainer trainer = new Trainer(Preset.of("mine", json), Device.cpu(), SEED)) {
      trainer.parameters().forEach((name, tensor) -> changes.put(name, tensor.toFloats()));
      trainer.step(sampler().batch(0, 2), 1e-3);
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
    }
    return changes;
  }

  @Test
  void copyingTheSourceIsMeasuredOnTheSourceItself() {
    PairBatch pairs = HeldOut.pairs(data, 4, preset.imageSize());
    PairBatch still =
        new PairBatch(
            Conditioning.of(
                pairs.size(),
                pairs.slots(),
                pairs.target(),
                pairs.targetBoxes(),
                pairs.conditioning().poses(),
                pairs.conditioning().backgroundPoses()),
            pairs.target(),
            pairs.targetBoxes(),
            pairs.timesteps(),
            pairs.moments());
    try (Trainer trainer = trainer()) {
      Sampler sampler = new Sampler(trainer.averaged(), 1, 1);
      assertEquals(50, Evaluation.of(sampler, still, n -> {}).copy().psnr(), 1e-9);
      assertTrue(Evaluation.of(sampler, pairs, n -> {}).copy().psnr() < 40);
    }
  }

  @Test
  void whatFailsToBeMadeLeavesNoScopeOpen() {
    Preset tiny = Preset.builtin("tiny");
    assertThrows(NullPointerException.class, () -> new Trainer(tiny, null, DType.F32, 1));
    assertThrows(IllegalStateException.class, Scope::current);
  }
}
