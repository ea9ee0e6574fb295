package nacre.neuralassets.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.data.PairSampler;
import nacre.neuralassets.data.RenderedClips;
import nacre.neuralassets.data.SomeClips;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.TrainingConfig;
import nacre.nn.LearningRate;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What each step of a run must do anew: noise, timesteps, pairs; rate, clipping, averages. */
class TrainingStepTest {
  private static final long SEED = 7;
  private static final int IMAGES = 4;

  private final Preset preset = Preset.builtin("tiny");
  private final DataConfig data = DataConfig.of(preset.data().orElseThrow());

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private PairSampler sampler(DataConfig config, long seed) {
    var source = new RenderedClips(config, HeldOut.trainingScenes(seed), preset.imageSize());
    ClipPool clips = assertDoesNotThrow(() -> new ClipPool(source, config, preset.imageSize()));
    var diffusion = new PairSampler.Diffusion(0.1, 1000, 1);
    return new PairSampler(clips, config, diffusion, seed, preset.imageSize());
  }

  private PairBatch batch() {
    return sampler(data, SEED).batch(0, IMAGES);
  }

  private Trainer trainer(long seed) {
    return new Trainer(preset, Device.cpu(), seed);
  }

  private Trainer trainer(String key, String value) {
    String json =
        preset.json().replaceFirst("\"" + key + "\": [0-9.e-]+", "\"" + key + "\": " + value);
    assertNotEquals(preset.json(), json);
    return new Trainer(Preset.of("mine", json), Device.cpu(), SEED);
  }

  private static Map<String, float[]> values(Map<String, Tensor> tensors) {
    Map<String, float[]> values = new HashMap<>();
    tensors.forEach((name, tensor) -> values.put(name, tensor.toFloats()));
    return values;
  }

  /**
   * At a rate of zero nothing is learned, so that the losses of one batch differ by their noise
   * alone: it is another in each step and for each seed, and the same again after resuming.
   */
  @Test
  void theNoiseIsAnotherInEachStep() {
    PairBatch batch = batch();
    Set<Double> losses = new HashSet<>();
    double third;
    try (Trainer trainer = trainer(SEED)) {
      Map<String, float[]> before = values(trainer.parameters());
      for (int step = 0; step < 2; step++) {
        losses.add(trainer.step(batch, 0));
      }
      third = trainer.step(batch, 0);
      losses.add(third);
      assertEquals(3, losses.size());
      values(trainer.parameters())
          .forEach((name, now) -> assertArrayEquals(before.get(name), now, name));
    }
    try (Trainer trainer = trainer(SEED)) {
      trainer.resume(2);
      assertEquals(third, trainer.step(batch, 0));
    }
  }

  /** Seeds that begin with the same parameters have to differ in the noise. */
  @Test
  void theNoiseIsAnotherForEachSeed() {
    PairBatch batch = batch();
    double first;
    Map<String, float[]> parameters;
    try (Trainer trainer = trainer(SEED)) {
      parameters = values(trainer.parameters());
      first = trainer.step(batch, 0);
    }
    try (Trainer trainer = trainer(SEED + 1)) {
      trainer.parameters().forEach((name, tensor) -> tensor.copyFrom(parameters.get(name)));
      assertNotEquals(first, trainer.step(batch, 0));
    }
  }

  @Test
  void theNoiseIsNormalAndDiffersBetweenImages() {
    try (Trainer trainer = trainer(SEED)) {
      trainer.step(batch(), 0);
      float[] noise = trainer.noise().toFloats();
      double sum = 0;
      double squares = 0;
      for (float x : noise) {
        sum += x;
        squares += x * x;
      }
      double n = noise.length;
      assertEquals(0, sum / n, 4 / Math.sqrt(n));
      assertEquals(1, squares / n, 4 * Math.sqrt(2 / n));
      int each = noise.length / IMAGES;
      for (int i = 1; i < IMAGES; i++) {
        assertFalse(Arrays.equals(noise, 0, each, noise, i * each, (i + 1) * each));
      }
    }
  }

  /** Of many steps no two have the same timesteps, pairs or mirrored images. */
  @Test
  void pairsAndTimestepsAreOthersInEachStep() {
    DataConfig mirrored = withFlips(0.5);
    PairSampler plain = sampler(withFlips(0), SEED);
    PairSampler sampler = sampler(mirrored, SEED);
    Set<String> timesteps = new HashSet<>();
    Set<String> targets = new HashSet<>();
    Set<String> dropped = new HashSet<>();
    Set<String> flips = new HashSet<>();
    int steps = 40;
    for (int step = 0; step < steps; step++) {
      PairBatch batch = sampler.batch(step, IMAGES);
      PairBatch straight = plain.batch(step, IMAGES);
      timesteps.add(Arrays.toString(batch.timesteps()));
      targets.add(Arrays.toString(batch.target()));
      dropped.add(Arrays.toString(batch.conditioning().keep()));
      StringBuilder flipped = new StringBuilder();
      int each = batch.target().length / IMAGES;
      for (int i = 0; i < IMAGES; i++) {
        flipped.append(
            Arrays.equals(
                    batch.target(),
                    i * each,
                    (i + 1) * each,
                    straight.target(),
                    i * each,
                    (i + 1) * each)
                ? '-'
                : 'm');
      }
      flips.add(flipped.toString());
    }
    assertEquals(steps, timesteps.size());
    assertEquals(steps, targets.size());
    assertTrue(flips.size() > 8, flips::toString); // of 16 that there are
    assertTrue(dropped.size() > 2, dropped::toString);
  }

  private DataConfig withFlips(double share) {
    return new DataConfig(
        data.slots(),
        data.minGap(),
        data.maxGap(),
        share,
        data.minObjectArea(),
        data.minPairArea(),
        data.stream(),
        data.rendering(),
        data.validation(),
        data.validationSteps());
  }

  /** The averages follow e ← d·e + (1 − d)·p with d = min(decay, (1 + n) / (10 + n)). */
  @Test
  void theAveragesMoveInEveryStep() {
    try (Trainer trainer = trainer("ema_decay", "0.3")) {
      Map<String, float[]> expected = values(trainer.parameters());
      PairSampler sampler = sampler(data, SEED);
      for (int n = 0; n < 6; n++) {
        trainer.step(sampler.batch(n, IMAGES), 2e-3);
        double decay = Math.min(0.3, (1.0 + n) / (10 + n));
        for (var entry : values(trainer.parameters()).entrySet()) {
          float[] average = expected.get(entry.getKey());
          for (int i = 0; i < average.length; i++) {
            average[i] = (float) (decay * average[i] + (1 - decay) * entry.getValue()[i]);
          }
        }
      }
      Map<String, float[]> averages = values(trainer.averagedParameters());
      expected.forEach((name, e) -> assertArrayEquals(e, averages.get(name), 2e-6f, name));
      String neck = "neck.weight";
      assertFalse(Arrays.equals(averages.get(neck), trainer.parameters().get(neck).toFloats()));
    }
  }

  /** After one step the first moment is (1 − β₁) times the clipped gradient. */
  @Test
  void gradientsAreClippedToTheirNorm() {
    for (String most : List.of("0.01", "1000.0")) {
      try (Trainer trainer = trainer("max_grad_norm", most)) {
        trainer.step(batch(), 1e-3);
        double squares = 0;
        for (var entry : trainer.optimizer().state().entrySet()) {
          if (entry.getKey().startsWith("m.")) {
            for (float m : entry.getValue().toFloats()) {
              squares += (double) m * m;
            }
          }
        }
        double norm = trainer.gradientNorm();
        assertTrue(norm > 0.02 && norm < 500, "norm " + norm);
        double clipped = Math.min(norm, Double.parseDouble(most));
        assertEquals(0.1 * clipped, Math.sqrt(squares), 1e-3 * clipped);
      }
    }
  }

  /** The first step of AdamW moves a parameter by the rate, up to epsilon and weight decay. */
  @Test
  void theRateOfAStepIsTheOneGiven() {
    for (double rate : new double[] {1e-3, 4e-3}) {
      try (Trainer trainer = trainer("weight_decay", "0.0")) {
        float[] before = trainer.parameters().get("neck.weight").toFloats();
        trainer.step(batch(), rate);
        float[] after = trainer.parameters().get("neck.weight").toFloats();
        double most = 0;
        for (int i = 0; i < before.length; i++) {
          most = Math.max(most, Math.abs(after[i] - before[i]));
        }
        assertEquals(rate, most, 0.01 * rate);
        double moved = Math.abs(after[0] - before[0]);
        trainer.step(batch(), rate / 4); // not the rate of the step before
        float[] again = trainer.parameters().get("neck.weight").toFloats();
        most = 0;
        for (int i = 0; i < before.length; i++) {
          most = Math.max(most, Math.abs(again[i] - after[i]));
        }
        assertTrue(most > 0 && most < 0.5 * rate, most + " after " + moved);
      }
    }
  }

  /** Warm-up and decay as written in the preset: no two steps have the same rate. */
  @Test
  void theRateFollowsItsSchedule() {
    TrainingConfig training = preset.training();
    LearningRate schedule = LearningRate.cosine(2e-3, 0, 10, 40);
    Set<Double> rates = new HashSet<>();
    for (int step = 0; step < 40; step++) {
      double rate = RunLength.rate(training, step, 40);
      assertEquals(schedule.at(step), rate, 1e-15);
      rates.add(rate);
    }
    assertTrue(rates.size() > 35, rates::toString);
    assertEquals(2e-4, RunLength.rate(training, 0, 40), 1e-12);
  }

  /** Runs whose batches differ are compared by it. */
  @Test
  void theValidationLossDoesNotDependOnTheBatchesOfTraining() throws IOException {
    var clips = new SomeClips(new RenderedClips(data, 1, preset.imageSize()), List.of(0, 1, 2));
    Double wanted = null;
    for (int batch : new int[] {8, 3, 40}) {
      String json = preset.json().replaceFirst("\"batch_size\": \\d+", "\"batch_size\": " + batch);
      Preset other = Preset.of("other", json);
      assertEquals(batch, other.training().batchSize());
      try (Trainer trainer = new Trainer(other, Device.cpu(), SEED)) {
        double loss = new Validation(clips, data, other, 1000).loss(trainer);
        wanted = wanted == null ? loss : wanted;
        assertEquals(wanted, loss, 1e-5 * wanted, "batches of " + batch);
      }
    }
  }

  /** Always the same for the same model, and another for another model. */
  @Test
  void theValidationLossIsOfTheAveragedModelAndChangesNothing() throws IOException {
    var clips = new SomeClips(new RenderedClips(data, 1, preset.imageSize()), List.of(0, 1, 2));
    Validation validation = new Validation(clips, data, preset, 1000);
    PairSampler sampler = sampler(data, SEED);
    try (Trainer watched = trainer(SEED);
        Trainer alone = trainer(SEED)) {
      double first = validation.loss(watched);
      assertEquals(1, first, 0.5); // a mean: an untrained model misses noise of variance 1
      assertEquals(first, validation.loss(watched));
      assertEquals(first, new Validation(clips, data, preset, 1000).loss(watched));
      double last = first;
      for (int step = 0; step < 15; step++) {
        PairBatch batch = sampler.batch(step, 8);
        alone.step(batch, 2e-3);
        watched.step(batch, 2e-3);
        double now = validation.loss(watched);
        assertNotEquals(last, now);
        last = now;
      }
      assertTrue(last < first, "from %f to %f".formatted(first, last));
      Map<String, float[]> expected = values(alone.parameters());
      values(watched.parameters())
          .forEach((name, now) -> assertArrayEquals(expected.get(name), now, name));
      // Not of the parameters themselves.
      watched.parameters().forEach((name, p) -> p.copyFrom(new float[(int) p.shape().elements()]));
      assertEquals(last, validation.loss(watched));
    }
  }
}
