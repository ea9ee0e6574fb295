package nacre.neuralassets.autoencoder;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.LatentDistribution;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.data.RenderedClips;
import nacre.neuralassets.model.AutoencoderPreset;
import nacre.neuralassets.model.AutoencoderPreset.Losses;
import nacre.neuralassets.model.TinyAutoencoder;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.ModelFolder;
import nacre.neuralassets.training.RunState;
import nacre.neuralassets.training.TrainingMemory;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.RandomNormal;
import nacre.weights.JsonFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The training of an autoencoder: its loss term by term, its batches, and where it goes on. */
class AutoencoderTrainerTest {
  private static final long SEED = 11;
  private static final int SIZE = 16;
  private static final AutoencoderPreset PRESET = TinyAutoencoder.preset();
  private static final DataConfig DATA = DataConfig.of(PRESET.data().orElseThrow());

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static ClipPool clips() {
    var source = new RenderedClips(DATA, HeldOut.trainingScenes(SEED), SIZE);
    ClipPool clips = assertDoesNotThrow(() -> new ClipPool(source, DATA, SIZE));
    clips.prepare(0);
    return clips;
  }

  private static FrameSampler frames() {
    return frames(0.5);
  }

  private static FrameSampler frames(double flipProbability) {
    ObjectNode json = PRESET.data().orElseThrow().deepCopy();
    DataConfig data = DataConfig.of(json.put("flip_probability", flipProbability));
    return new FrameSampler(clips(), data, SEED, SIZE);
  }

  private static AutoencoderTrainer trainer(DType compute) {
    float[] probe = frames().batch(0, 8);
    return assertDoesNotThrow(
        () -> new AutoencoderTrainer(PRESET, Device.cpu(), compute, SEED, probe));
  }

  private static double step(AutoencoderTrainer trainer, FrameSampler frames) {
    trainer.begin(frames.batch(trainer.steps(), 4), 3e-3);
    return trainer.loss();
  }

  /** Each term against the formula, computed here on the host from what the model made. */
  @Test
  void theLossIsTheWeightedSumOfItsTerms() {
    try (Scope _ = Scope.open()) {
      Parameters parameters = Parameters.create(Device.cpu(), DType.F32, 3);
      AutoencoderKL vae = new AutoencoderKL(parameters, PRESET.vae());
      float[] pixels = frames().batch(0, 2);
      Tensor images = Tensor.of(Device.cpu(), Shape.of(2, SIZE, SIZE, 3), pixels);
      Tensor noise = RandomNormal.normal(Device.cpu(), Shape.of(2, 8, 8, 4), 5, 0);
      LatentDistribution latents = vae.encode(images);
      float[] drawn = vae.decode(latents.sample(noise)).toFloats();
      double absolute = 0;
      double squared = 0;
      for (int i = 0; i < pixels.length; i++) {
        absolute += Math.abs(drawn[i] - pixels[i]) / pixels.length;
        squared += Math.pow(drawn[i] - pixels[i], 2) / pixels.length;
      }
      double gradient = 0;
      int pairs = 2 * SIZE * (SIZE - 1) * 3;
      for (int i = 0; i < pixels.length; i++) {
        if (i / 3 % SIZE < SIZE - 1) {
          gradient += difference(drawn, pixels, i, 3) / pairs;
        }
        if (i / (3 * SIZE) % SIZE < SIZE - 1) {
          gradient += difference(drawn, pixels, i, 3 * SIZE) / pairs;
        }
      }
      float[] mean = latents.mode().toFloats();
      float[] logarithm = latents.logVariance().toFloats();
      double kl = 0;
      for (int i = 0; i < mean.length; i++) {
        double one = mean[i] * mean[i] + Math.exp(logarithm[i]) - 1 - logarithm[i];
        kl += one / 2 / mean.length;
      }
      assertEquals(absolute, loss(vae, new Losses(1, 0, 0, 0), images, noise), 1e-5);
      assertEquals(squared, loss(vae, new Losses(0, 1, 0, 0), images, noise), 1e-5);
      assertEquals(absolute + 3 * gradient, loss(vae, new Losses(1, 0, 3, 0), images, noise), 1e-5);
      assertEquals(absolute + 2 * kl, loss(vae, new Losses(1, 0, 0, 2), images, noise), 1e-5);
      assertTrue(gradient > 0.01 && kl > 0.01, gradient + " " + kl);
    }
  }

  private static double difference(float[] a, float[] b, int at, int step) {
    return Math.abs((a[at + step] - a[at]) - (b[at + step] - b[at]));
  }

  private static double loss(AutoencoderKL vae, Losses losses, Tensor images, Tensor noise) {
    return new AutoencoderObjective(vae, losses, null, DType.F32).loss(images, noise).item();
  }

  @Test
  void framesAreAFunctionOfSeedAndStep() {
    FrameSampler frames = frames();
    assertArrayEquals(frames.batch(3, 4), frames().batch(3, 4));
    assertNotEquals(Arrays.hashCode(frames.batch(3, 4)), Arrays.hashCode(frames.batch(4, 4)));
  }

  /** Of n frames n · p, within four standard deviations. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 0.125, 0.5, 1})
  void asManyFramesAreMirroredAsThePresetSays(double flipProbability) {
    int frame = SIZE * SIZE * 3;
    int count = 64;
    float[] drawn = frames(flipProbability).batch(0, count);
    int[] found = new int[2];
    ClipPool clips = clips();
    for (int at = 0; at < drawn.length; at += frame) {
      float[] one = Arrays.copyOfRange(drawn, at, at + frame);
      found[0] += isThere(one, clips, Clip::rgb) ? 1 : 0;
      found[1] += isThere(one, clips, Clip::mirrored) ? 1 : 0;
    }
    assertEquals(count, found[0] + found[1]);
    double deviation = Math.sqrt(count * flipProbability * (1 - flipProbability));
    assertEquals(count * flipProbability, found[1], 4 * deviation, Arrays.toString(found));
  }

  private interface Frames {
    byte[] of(Clip clip, int frame);
  }

  private static boolean isThere(float[] one, ClipPool clips, Frames frames) {
    float[] other = new float[one.length];
    for (int i = 0; i < clips.available(0); i++) {
      for (int t = 0; t < clips.clip(i).frames(); t++) {
        PairBatch.pixels(frames.of(clips.clip(i), t), other, 0);
        if (Arrays.equals(one, other)) {
          return true;
        }
      }
    }
    return false;
  }

  private static double psnr(AutoencoderTrainer trainer, HeldOutFrames frames) throws IOException {
    return Reconstruction.of(trainer, frames, () -> false).orElseThrow().mean().psnr();
  }

  @Test
  void trainingLowersTheLossOfFramesThatItHasNotSeen() throws IOException {
    HeldOutFrames held = HeldOutFrames.rendered(DATA, 6, SIZE);
    float[] pixels = held.range(0, 6);
    for (DType compute : List.of(DType.F32, DType.BF16)) {
      try (AutoencoderTrainer trainer = trainer(compute)) {
        FrameSampler frames = frames();
        double before = trainer.averagedLoss(pixels);
        double psnr = psnr(trainer, held);
        for (int i = 0; i < 60; i++) {
          step(trainer, frames);
        }
        assertTrue(trainer.averagedLoss(pixels) < 0.6 * before);
        assertTrue(psnr(trainer, held) > psnr + 3);
        assertEquals(60, trainer.steps());
      }
    }
  }

  private static AutoencoderPreset withBatch(int size) {
    String json = PRESET.json().replace("\"batch_size\": 4", "\"batch_size\": " + size);
    return AutoencoderPreset.of("other batch", json);
  }

  /** What is computed of many frames is that of all, and in the memory of a few. */
  @Test
  void framesAreTakenInPartsOfABatch() throws IOException {
    int count = 21;
    float[] pixels = HeldOutFrames.rendered(DATA, count, SIZE).range(0, count);
    float[] first = Arrays.copyOf(pixels, 2 * SIZE * SIZE * 3);
    Double wanted = null;
    float[] decoded = null;
    for (int batch : new int[] {32, 1, 2, 4}) {
      AutoencoderPreset preset = withBatch(batch);
      try (var trainer = new AutoencoderTrainer(preset, Device.cpu(), DType.F32, SEED, pixels)) {
        if (wanted == null) {
          wanted = trainer.averagedLoss(pixels);
          decoded = trainer.reconstruct(pixels);
        }
        assertEquals(wanted, trainer.averagedLoss(pixels), 1e-5 * wanted);
        assertArrayEquals(decoded, trainer.reconstruct(pixels), 1e-4f);
        if (batch == 2) {
          assertEquals(
              peak(() -> trainer.averagedLoss(first)), peak(() -> trainer.averagedLoss(pixels)));
          assertEquals(
              peak(() -> trainer.reconstruct(first)), peak(() -> trainer.reconstruct(pixels)));
          assertEquals(peak(() -> trainer.encode(first)), peak(trainer::scalingFactor));
        }
      }
    }
  }

  private static long peak(Runnable work) {
    Memory.resetPeak();
    work.run();
    return Memory.peakBytes();
  }

  /** A frame that is there twice counts twice, with other noise. */
  @Test
  void eachFrameHasItsNoise() throws IOException {
    float[] one = HeldOutFrames.rendered(DATA, 1, SIZE).range(0, 1);
    float[] two = Arrays.copyOf(one, 2 * one.length);
    System.arraycopy(one, 0, two, one.length, one.length);
    try (AutoencoderTrainer trainer = trainer(DType.F32)) {
      assertNotEquals(trainer.averagedLoss(one), trainer.averagedLoss(two));
    }
  }

  @Test
  void anEvaluationStopsBetweenBatches() throws IOException {
    HeldOutFrames held = HeldOutFrames.rendered(DATA, 6, SIZE);
    try (AutoencoderTrainer trainer = trainer(DType.F32)) {
      int[] asked = new int[1];
      assertTrue(Reconstruction.of(trainer, held, () -> ++asked[0] == 2).isEmpty());
      assertEquals(2, asked[0]);
      assertEquals(6, Reconstruction.of(trainer, held, () -> false).orElseThrow().frames());
    }
  }

  @Test
  void whatFailsToBeMadeLeavesNoScopeOpen() {
    float[] probe = frames().batch(0, 1);
    assertThrows(
        NullPointerException.class,
        () -> new AutoencoderTrainer(PRESET, null, DType.F32, SEED, probe));
    assertThrows(IllegalStateException.class, Scope::current);
  }

  /** Tensors take what was counted, all but what an operation borrows for its own time. */
  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void aRunTakesWhatWasSaid(DType compute) throws IOException {
    TrainingMemory said = AutoencoderTrainer.memory(PRESET, Device.cpu(), compute);
    assertEquals(0, Memory.liveTensors());
    FrameSampler frames = frames();
    Memory.resetPeak();
    try (AutoencoderTrainer trainer = trainer(compute)) {
      step(trainer, frames);
      step(trainer, frames);
      double taken = Memory.peakBytes();
      assertEquals(taken, said.total(), 0.02 * taken, said.describe());
      assertEquals(4 * trainer.parameterCount(), said.weights());
      assertEquals(4 * trainer.parameterCount(), said.averages());
    }
  }

  @Test
  void aBatchThatNoArrayHoldsIsRefused() {
    String json =
        withBatch(11).json().replace("\"image_size\": 16", "\"image_size\": 8192"); // 2.2e9
    Exception refused =
        assertThrows(IllegalArgumentException.class, () -> AutoencoderPreset.of("large", json));
    assertTrue(refused.getMessage().contains("training.batch_size"), refused.getMessage());
  }

  @Test
  void aRunThatGoesOnFromACheckpointHasTheSameBits() throws IOException {
    byte[] expected = checkpointAfter(4, trainer(DType.F32)).parameters();
    Written half = checkpointAfter(2, trainer(DType.F32));
    AutoencoderTrainer again = trainer(DType.F32);
    half.checkpoint().restore(again);
    assertEquals(2, again.steps());
    assertArrayEquals(expected, checkpointAfter(4, again).parameters());
  }

  private record Written(Checkpoint checkpoint) {
    byte[] parameters() throws IOException {
      return Files.readAllBytes(checkpoint.folder().resolve("parameters.safetensors"));
    }
  }

  private Written checkpointAfter(int steps, AutoencoderTrainer made) throws IOException {
    try (AutoencoderTrainer trainer = made) {
      FrameSampler frames = frames();
      while (trainer.steps() < steps) {
        step(trainer, frames);
      }
      RunState state =
          new RunState(steps, 4, 0, SEED, 1, "", DType.F32, RunState.LossSum.NONE, List.of());
      Path at = Files.createTempDirectory(folder, "run");
      return new Written(Checkpoint.write(at, trainer, state));
    }
  }

  @Test
  void theWrittenScalingFactorMakesLatentsOfVarianceOne() throws IOException {
    Written written = checkpointAfter(3, trainer(DType.F32));
    Path model = written.checkpoint().model();
    double factor =
        JsonFile.read(model.resolve("vae/config.json")).path("scaling_factor").asDouble();
    try (AutoencoderTrainer trainer = trainer(DType.F32)) {
      written.checkpoint().restore(trainer);
      double squares = 0;
      float[] latents = trainer.encode(frames().batch(0, 8));
      for (float z : latents) {
        squares += factor * z * factor * z / latents.length;
      }
      assertEquals(1, squares, 1e-4);
    }
    assertEquals(PRESET.json(), written.checkpoint().preset().json());
    IOException refused = assertThrows(IOException.class, () -> ModelFolder.preset(model));
    assertTrue(refused.getMessage().contains("is an autoencoder"), refused.getMessage());
  }
}
