package nacre.neuralassets.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.data.PairSampler;
import nacre.neuralassets.data.RenderedClips;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.model.Variants;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.ops.RandomNormal;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every variant of the model that a preset's keys make learns, resumes and draws. */
class VariantTrainingTest {
  private static final long SEED = 7;
  private static final int STEPS = 100;
  private static final int PAIRS = 8;

  private static PairSampler sampler(Preset preset) throws IOException {
    DataConfig data = DataConfig.of(preset.data().orElseThrow());
    var source = new RenderedClips(data, HeldOut.trainingScenes(SEED), preset.imageSize());
    var clips = new ClipPool(source, data, preset.imageSize());
    var diffusion = new PairSampler.Diffusion(0.1, 1000, 1);
    return new PairSampler(clips, data, diffusion, SEED, preset.imageSize());
  }

  /** Trains up to a step; the mean of the losses of the first and of the last twenty. */
  private static double[] train(Trainer trainer, PairSampler pairs, int until) {
    double[] sums = new double[2];
    while (trainer.steps() < until) {
      int step = (int) trainer.steps();
      double loss = trainer.step(pairs.batch(step, PAIRS), 2e-3);
      assertTrue(Double.isFinite(loss), "the loss of step " + step);
      sums[0] += step < 20 ? loss / 20 : 0;
      sums[1] += step >= STEPS - 20 ? loss / 20 : 0;
    }
    return sums;
  }

  private static Map<String, float[]> bits(Trainer trainer) {
    Map<String, float[]> bits = new LinkedHashMap<>();
    trainer.parameters().forEach((name, tensor) -> bits.put(name, tensor.toFloats()));
    trainer.averagedParameters().forEach((name, t) -> bits.put("ema." + name, t.toFloats()));
    return bits;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'asset_tokens': {'background': 'no_pose'}}",
        "{'asset_tokens': {'background': 'none'}}",
        "{'asset_tokens': {'encoder_positions': false}, 'data': {'min_gap': 0, 'max_gap': 0}}",
        "{'asset_tokens': {'corners': 8, 'roi_size': 1}}",
        "{'training': {'encoder_learning_rate_factor': 0}}",
        "{'unet_input': 'source', 'unet': {'in_channels': 28}, 'asset_tokens': {'content':"
            + " 'boxes'}}",
        "{'unet_input': 'source', 'unet': {'in_channels': 28}}",
        "{'asset_tokens': {'source_pose': true, 'surface_rays': 2}}",
        "{'data': {'source_masking': 0.5, 'object_jitter': 0.5}}",
      })
  void variantsLearnResumeAndDraw(String keys, @TempDir Path folder) throws IOException {
    Preset preset = Variants.tiny(keys);
    Map<String, float[]> whole;
    try (Trainer trainer = new Trainer(preset, Device.cpu(), SEED)) {
      double[] losses = train(trainer, sampler(preset), STEPS);
      assertTrue(losses[1] < 0.9 * losses[0], Arrays.toString(losses));
      whole = bits(trainer);
      assertFalse(Arrays.equals(draw(trainer, preset, 1), draw(trainer, preset, 2)));
    }
    Checkpoint half;
    try (Trainer trainer = new Trainer(preset, Device.cpu(), SEED)) {
      train(trainer, sampler(preset), STEPS / 2);
      RunState state =
          new RunState(
              STEPS / 2, STEPS, 0, SEED, 1.5, "", DType.F32, RunState.LossSum.NONE, List.of());
      half = Checkpoint.write(folder, trainer, state);
    }
    try (Trainer trainer = new Trainer(preset, Device.cpu(), SEED)) {
      half.restore(trainer);
      train(trainer, sampler(preset), STEPS);
      Map<String, float[]> resumed = bits(trainer);
      assertEquals(whole.keySet(), resumed.keySet());
      whole.forEach((name, values) -> assertArrayEquals(values, resumed.get(name), name));
      float[] kept = draw(trainer, preset, 1);
      Path model = folder.resolve("model");
      java.nio.file.Files.createDirectory(model);
      trainer.writeAveraged(model, null);
      try (Scope _ = Scope.open()) {
        // The loaded weights are prepacked: the library multiplies by them in another order.
        float[] loaded = draw(new Sampler(ModelFolder.load(model, Device.cpu()), 3, 1.5), 1);
        assertArrayEquals(kept, loaded, 1e-3f);
      }
    }
    assertEquals(0, Memory.liveTensors());
  }

  private static float[] draw(Trainer trainer, Preset preset, int seed) {
    try (Scope _ = Scope.open()) {
      return draw(new Sampler(trainer.averaged(), 3, 1.5), seed);
    }
  }

  private static float[] draw(Sampler sampler, int seed) {
    Preset preset = sampler.model().preset();
    DataConfig data = DataConfig.of(preset.data().orElseThrow());
    PairBatch pairs = HeldOut.pairs(data, 2, preset.imageSize());
    int side = preset.sampleSize();
    Shape shape = Shape.of(2, side, side, preset.sampleChannels());
    try (Scope _ = Scope.open()) {
      var noise = RandomNormal.normal(sampler.model().device(), shape, seed, 0);
      float[] images = sampler.sample(pairs.conditioning(), noise).toFloats();
      for (float value : images) {
        assertTrue(Float.isFinite(value));
      }
      return images;
    }
  }
}
