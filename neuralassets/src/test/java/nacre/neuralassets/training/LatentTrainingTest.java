package nacre.neuralassets.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.data.PairSampler;
import nacre.neuralassets.data.RenderedClips;
import nacre.neuralassets.data.SomeClips;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.SampleSpace;
import nacre.neuralassets.model.TinyLatent;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Training on the latents of an autoencoder: what is drawn from its posterior, and what counts. */
class LatentTrainingTest {
  private static final long SEED = 7;
  private static final int IMAGES = 4;
  private static final Preset PRESET = TinyLatent.preset(5);
  private static final DataConfig DATA = DataConfig.of(PRESET.data().orElseThrow());

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static PairSampler sampler() {
    int size = PRESET.imageSize();
    var source = new RenderedClips(DATA, HeldOut.trainingScenes(SEED), size);
    ClipPool clips = assertDoesNotThrow(() -> new ClipPool(source, DATA, size));
    return new PairSampler(clips, DATA, new PairSampler.Diffusion(0.1, 1000, 1), SEED, size);
  }

  private static Trainer trainer(Preset preset, DType compute) {
    return new Trainer(preset, Device.cpu(), compute, SEED);
  }

  private static void train(Trainer trainer, long until) {
    PairSampler pairs = sampler();
    while (trainer.steps() < until) {
      trainer.step(pairs.batch(trainer.steps(), IMAGES), 1e-3);
    }
  }

  private static Map<String, float[]> values(Map<String, Tensor> tensors) {
    Map<String, float[]> values = new TreeMap<>();
    tensors.forEach((name, tensor) -> values.put(name, tensor.toFloats()));
    return values;
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void resumingIsTheSameToTheBitAndTheAutoencoderStaysAsItWas(DType compute, @TempDir Path folder)
      throws IOException {
    Map<String, float[]> first;
    Map<String, float[]> whole;
    Map<String, float[]> averages;
    try (Trainer trainer = trainer(PRESET, compute)) {
      first = values(trainer.parameters());
      train(trainer, 6);
      whole = values(trainer.parameters());
      averages = values(trainer.averagedParameters());
    }
    first.forEach(
        (name, before) -> {
          if (name.startsWith("vae.")) {
            assertArrayEquals(before, whole.get(name), name);
          }
        });
    assertFalse(Arrays.equals(first.get("neck.weight"), whole.get("neck.weight")));
    Checkpoint half;
    try (Trainer trainer = trainer(PRESET, compute)) {
      train(trainer, 3);
      RunState state =
          new RunState(3, 6, 0, SEED, 1, "", compute, RunState.LossSum.NONE, List.of());
      half = Checkpoint.write(folder, trainer, state);
    }
    try (Trainer trainer = trainer(PRESET, compute)) {
      half.restore(trainer);
      train(trainer, 6);
      values(trainer.parameters())
          .forEach((name, now) -> assertArrayEquals(whole.get(name), now, name));
      values(trainer.averagedParameters())
          .forEach((name, now) -> assertArrayEquals(averages.get(name), now, name));
    }
  }

  /**
   * Of a step with known noise the loss is that of the drawn latents, not of the mode: the noise of
   * the posterior is there, of its own, and another in each step and for each seed.
   */
  @Test
  void thePosteriorIsSampledWithTheRunsOwnNumbers() {
    PairBatch batch = sampler().batch(0, IMAGES);
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(Device.cpu(), DType.F32, SEED);
      NeuralAssets model = new NeuralAssets(p, PRESET);
      Objective objective = new Objective(model);
      StepInputs in = inputs(batch, model);
      in.draw(SEED, 3, 0, IMAGES);
      assertEquals(in.noise().shape(), in.latentNoise().shape());
      float[] latent = in.latentNoise().toFloats();
      float[] noise = in.noise().toFloats();
      double together = 0;
      double squares = 0;
      for (int i = 0; i < latent.length; i++) {
        together += (double) latent[i] * noise[i];
        squares += (double) latent[i] * latent[i];
      }
      double n = latent.length;
      assertEquals(0, together / n, 4 / Math.sqrt(n));
      assertEquals(1, squares / n, 4 * Math.sqrt(2 / n));
      double loss = loss(objective, in);
      try (Trainer trainer = trainer(PRESET, DType.F32)) {
        trainer.resume(3);
        assertEquals(loss, trainer.step(batch, 0));
        assertNotEquals(loss, trainer.step(batch, 0));
      }
      StepInputs mode =
          new StepInputs(
              in.conditioning(), in.target(), null, in.timesteps(), in.noise(), in.errorWeights());
      assertNotEquals(loss, loss(objective, mode));
      in.draw(SEED + 1, 3, 0, IMAGES);
      assertFalse(Arrays.equals(latent, in.latentNoise().toFloats()));
    }
  }

  /** As a step of training computes it, which keeps what backward reads. */
  private static double loss(Objective objective, StepInputs in) {
    try (Tape _ = Tape.open()) {
      return objective.loss(in).item();
    }
  }

  private static StepInputs inputs(PairBatch batch, NeuralAssets model) {
    StepInputs in = StepInputs.like(batch, batch.count(), model);
    try (TargetEncoder encoder = new TargetEncoder(model, batch.count())) {
      in.write(batch, 0, model, encoder, new Objective(model));
    }
    return in;
  }

  /** Each pair has the noise and the latent noise that it would have in the batch as a whole. */
  @Test
  void aBatchInPartsHasTheLossesOfTheWhole() throws IOException {
    String key = "\"training\": {\"gradient_accumulation_steps\": 4, ";
    Preset parts = Preset.of("parts", PRESET.json().replace("\"training\": {", key));
    var clips = new SomeClips(new RenderedClips(DATA, 1, PRESET.imageSize()), List.of(0, 1, 2));
    try (Trainer whole = trainer(PRESET, DType.F32);
        Trainer cut = trainer(parts, DType.F32)) {
      PairSampler pairs = sampler();
      for (int step = 0; step < 3; step++) {
        PairBatch batch = pairs.batch(step, 8);
        double loss = whole.step(batch, 1e-3);
        assertEquals(loss, cut.step(batch, 1e-3), 1e-4 * loss);
        assertEquals(whole.gradientNorm(), cut.gradientNorm(), 1e-3 * whole.gradientNorm());
      }
      double loss = new Validation(clips, DATA, PRESET, 1000).loss(whole);
      assertEquals(loss, new Validation(clips, DATA, parts, 1000).loss(cut), 1e-3 * loss);
    }
  }

  /** The model encodes images one by one, the trainer many at a time, but for rounding the same. */
  @Test
  void framesAreEncodedAsIfAloneAndLeaveNothingOnTheTape() {
    try (Scope _ = Scope.open()) {
      NeuralAssets model =
          new NeuralAssets(Parameters.create(Device.cpu(), DType.F32, SEED), PRESET);
      SampleSpace.Latents latents = (SampleSpace.Latents) model.samples();
      PairBatch batch = sampler().batch(0, IMAGES);
      int size = batch.size();
      Tensor frames = Tensor.of(Device.cpu(), Shape.of(IMAGES, size, size, 3), batch.target());
      float[] moments = inputs(batch, model).target().toFloats();
      int each = moments.length / IMAGES;
      try (Tape _ = Tape.open()) {
        long before = Memory.liveTensors();
        Tensor together = latents.encode(frames);
        assertFalse(together.tracked());
        assertEquals(before + 1, Memory.liveTensors());
        assertArrayEquals(moments, together.toFloats(), 1e-4f);
        for (int i = 0; i < IMAGES; i++) {
          float[] alone = latents.vae().encode(frames.rows(i, i + 1)).moments().toFloats();
          float[] own = Arrays.copyOfRange(together.toFloats(), i * each, (i + 1) * each);
          assertArrayEquals(alone, own);
        }
      }
    }
  }

  @Test
  void theValidationLossIsTheSameForTheSameModel() throws IOException {
    int size = PRESET.imageSize();
    var clips = new SomeClips(new RenderedClips(DATA, 1, size), List.of(0, 1, 2));
    try (Trainer one = trainer(PRESET, DType.F32);
        Trainer other = new Trainer(PRESET, Device.cpu(), SEED + 1)) {
      Map<String, float[]> same = values(one.averagedParameters());
      other.averagedParameters().forEach((name, tensor) -> tensor.copyFrom(same.get(name)));
      double loss = new Validation(clips, DATA, PRESET, 1000).loss(one);
      assertEquals(loss, new Validation(clips, DATA, PRESET, 1000).loss(other));
      train(one, 2);
      assertNotEquals(loss, new Validation(clips, DATA, PRESET, 1000).loss(one));
    }
  }

  /**
   * A latent that stands for 2 × 2 pixels of which k lie in a box counts (1 + (w − 1) k / 4) times,
   * scaled to a mean of 1 over the image.
   */
  @Test
  void errorsOfLatentsCountAsTheirPixelsDoOnAverage() {
    double weight = PRESET.training().objectWeight();
    PairBatch batch = sampler().batch(0, IMAGES);
    int size = PRESET.imageSize();
    int side = PRESET.sampleSize();
    int channels = PRESET.sampleChannels();
    boolean edges = false;
    try (Scope _ = Scope.open()) {
      NeuralAssets model =
          new NeuralAssets(Parameters.create(Device.cpu(), DType.F32, SEED), PRESET);
      assertTrue(model.samples() instanceof SampleSpace.Latents);
      StepInputs in = inputs(batch, model);
      float[] got = model.samples().toErrorWeights(in.errorWeights()).toFloats();
      assertEquals(IMAGES * side * side * channels, got.length);
      for (int i = 0; i < IMAGES; i++) {
        boolean[] inside = batch.targetMask(i);
        double[] wanted = new double[side * side];
        double sum = 0;
        for (int k = 0; k < side * side; k++) {
          int top = (k / side) * 2 * size + k % side * 2;
          int covered = 0;
          for (int pixel : new int[] {top, top + 1, top + size, top + size + 1}) {
            covered += inside[pixel] ? 1 : 0;
          }
          edges |= covered > 0 && covered < 4;
          wanted[k] = 1 + (weight - 1) * covered / 4;
          sum += wanted[k];
        }
        double squares = 0;
        for (int k = 0; k < side * side * channels; k++) {
          double factor = got[i * side * side * channels + k];
          assertEquals(wanted[k / channels] * side * side / sum, factor * factor, 1e-5);
          squares += factor * factor;
        }
        assertEquals(1, squares / (side * side * channels), 1e-5);
      }
    }
    assertTrue(edges, "no latent lies on the edge of a box");
  }
}
