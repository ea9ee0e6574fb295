package nacre.neuralassets.autoencoder;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
    return new FrameSampler(clips(), SEED, SIZE);
  }

  private static AutoencoderTrainer trainer(DType compute) {
    return new AutoencoderTrainer(PRESET, Device.cpu(), compute, SEED, frames().batch(0, 8));
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
    return new AutoencoderObjective(vae, losses, DType.F32).loss(images, noise).item();
  }

  @Test
  void framesAreAFunctionOfSeedAndStepAndSomeAreMirrored() {
    FrameSampler frames = frames();
    assertArrayEquals(frames.batch(3, 4), frames().batch(3, 4));
    assertNotEquals(Arrays.hashCode(frames.batch(3, 4)), Arrays.hashCode(frames.batch(4, 4)));
    int frame = SIZE * SIZE * 3;
    float[] drawn = frames.batch(0, 16);
    int[] found = new int[2];
    ClipPool clips = clips();
    for (int at = 0; at < drawn.length; at += frame) {
      float[] one = Arrays.copyOfRange(drawn, at, at + frame);
      found[0] += isThere(one, clips, Clip::rgb) ? 1 : 0;
      found[1] += isThere(one, clips, Clip::mirrored) ? 1 : 0;
    }
    assertEquals(16, found[0] + found[1]);
    assertTrue(found[0] > 0 && found[1] > 0, Arrays.toString(found));
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

  @Test
  void trainingLowersTheLossOfFramesThatItHasNotSeen() {
    HeldOutFrames held = HeldOutFrames.rendered(DATA, 6, SIZE);
    for (DType compute : List.of(DType.F32, DType.BF16)) {
      try (AutoencoderTrainer trainer = trainer(compute)) {
        FrameSampler frames = frames();
        double before = trainer.averagedLoss(held.pixels());
        double psnr = Reconstruction.of(trainer::reconstruct, held).mean().psnr();
        for (int i = 0; i < 60; i++) {
          step(trainer, frames);
        }
        assertTrue(trainer.averagedLoss(held.pixels()) < 0.6 * before);
        assertTrue(Reconstruction.of(trainer::reconstruct, held).mean().psnr() > psnr + 3);
        assertEquals(60, trainer.steps());
      }
    }
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
