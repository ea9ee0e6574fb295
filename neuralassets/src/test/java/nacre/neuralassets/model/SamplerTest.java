package nacre.neuralassets.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import nacre.diffusion.Inpainting;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.FramePair;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.training.ModelFolder;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.RandomNormal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Drawing that starts from a picture: a part of it is kept, or its noise is found. */
class SamplerTest {
  private static final Device CPU = Device.cpu();

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  /** Each scene's frame as source and target. */
  private static PairBatch still(Preset preset, int scenes) {
    DataConfig data = DataConfig.of(preset.data().orElseThrow());
    int size = preset.imageSize();
    List<FramePair> pairs = new ArrayList<>();
    for (int i = 0; i < scenes; i++) {
      Clip clip = Clip.of("scene", HeldOut.scene(data, i, size), size, data.slots());
      pairs.add(FramePair.of(clip, 3, 3));
    }
    return PairBatch.of(pairs, size, data.slots());
  }

  private static Tensor target(PairBatch batch) {
    Shape shape = Shape.of(batch.count(), batch.size(), batch.size(), 3);
    return Tensor.of(CPU, shape, batch.target());
  }

  private static double error(Tensor images, Tensor wanted) {
    float[] one = images.toFloats();
    float[] other = wanted.toFloats();
    double sum = 0;
    for (int i = 0; i < one.length; i++) {
      double d = Math.clamp(one[i], -1, 1) - Math.clamp(other[i], -1, 1);
      sum += d * d;
    }
    return sum / one.length;
  }

  /** The model that ships draws from the inverted noise the very frame; from another a likeness. */
  @Test
  void inversionFindsTheNoiseOfAPicture() throws IOException {
    try (Scope _ = Scope.open()) {
      NeuralAssets model = ModelFolder.load(Path.of("../models/demo"), CPU);
      PairBatch batch = still(model.preset(), 2);
      Tensor frames = target(batch);
      Tensor samples = model.samples().toSamples(frames, null);
      Tensor tokens = model.tokens(batch.conditioning());
      Sampler sampler = new Sampler(model, 50, 1);
      int[] steps = {0};
      Tensor noise = sampler.invert(tokens, samples, step -> steps[0] = step);
      assertEquals(50, steps[0]);
      assertEquals(samples.shape(), noise.shape());
      Tensor again = sampler.sample(tokens, noise, step -> {});
      Tensor random = RandomNormal.normal(CPU, samples.shape(), 5, 0);
      Tensor fresh = sampler.sample(tokens, random, step -> {});
      // What an autoencoder loses, no noise brings back.
      Tensor wanted = model.samples().toImages(samples);
      double found = error(again, wanted);
      double drawn = error(fresh, wanted);
      assertTrue(found < 0.5 * drawn, found + " from the inverted noise, " + drawn);
    }
  }

  @Test
  void whatTheMaskKeepsIsTheSource() {
    for (Preset preset : List.of(Preset.builtin("tiny"), TinyLatent.preset())) {
      try (Scope _ = Scope.open()) {
        NeuralAssets model = new NeuralAssets(Parameters.create(CPU, DType.F32, 1), preset);
        PairBatch batch = still(preset, 2);
        Tensor clean = model.samples().toSamples(target(batch), null);
        int side = preset.sampleSize();
        float[] mask = new float[2 * side * side];
        for (int i = 0; i < side; i++) {
          mask[side * side + 2 * side + i] = 1; // a row of the second picture
        }
        Tensor drawn = Tensor.of(CPU, Shape.of(2, side, side, 1), mask);
        Tensor noise = RandomNormal.normal(CPU, clean.shape(), 5, 0);
        Tensor tokens = model.tokens(batch.conditioning());
        Sampler sampler = new Sampler(model, 3, 1.5);
        Tensor images =
            sampler.sample(tokens, noise, new Inpainting(drawn, clean, noise), step -> {});
        Tensor kept = model.samples().toImages(clean);
        assertEquals(0, error(images.rows(0, 1), kept.rows(0, 1)), 1e-12);
        assertNotEquals(0, error(images.rows(1, 2), kept.rows(1, 2)), 1e-4);
        if (preset.vae().isEmpty()) {
          float[] all = images.rows(1, 2).toFloats();
          float[] source = kept.rows(1, 2).toFloats();
          int row = 3 * preset.imageSize();
          for (int i = 0; i < all.length; i++) {
            boolean free = i / row / preset.fold() == 2;
            assertTrue(free || all[i] == source[i], "number " + i);
          }
        }
      }
    }
  }
}
