package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import nacre.neuralassets.autoencoder.AutoencoderTrainer;
import nacre.neuralassets.autoencoder.HeldOutFrames;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.PairSampler;
import nacre.neuralassets.data.RenderedClips;
import nacre.neuralassets.data.SomeClips;
import nacre.neuralassets.model.AutoencoderPreset;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.PresetFile;
import nacre.neuralassets.training.Trainer;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Training on latents on a GPU, where encoding and step are captured and replayed. */
@Tag("cuda")
class LatentGpuTest {
  private static final int IMAGES = 2;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  /** The losses of steps that learn nothing: they differ by frames, timesteps and noise. */
  private static double[] losses(Device device, Map<String, float[]> parameters)
      throws IOException {
    Preset preset = LatentModel.preset(16);
    DataConfig data = DataConfig.of(preset.data().orElseThrow());
    var clips = new SomeClips(new RenderedClips(data, 1, 16), List.of(0, 1));
    var diffusion = new PairSampler.Diffusion(0.1, 1000, 1);
    PairSampler sampler = new PairSampler(new ClipPool(clips, data, 16), data, diffusion, 3, 16);
    double[] losses = new double[5];
    try (Trainer trainer = new Trainer(preset, device, DType.F32, 3)) {
      if (parameters.isEmpty()) {
        trainer.parameters().forEach((name, tensor) -> parameters.put(name, tensor.toFloats()));
      }
      trainer.parameters().forEach((name, tensor) -> tensor.copyFrom(parameters.get(name)));
      for (int step = 0; step < losses.length; step++) {
        losses[step] = trainer.step(sampler.batch(step, IMAGES), 0);
      }
    }
    return losses;
  }

  @Test
  void replayedStepsEncodeTheirOwnFrames() throws IOException {
    assumeTrue(TestGpu.find().isPresent(), "there is no GPU, and no simulated one was built");
    Map<String, float[]> parameters = new TreeMap<>();
    double[] wanted = losses(Device.cpu(), parameters);
    double[] got = losses(Device.of("cuda"), parameters);
    for (int step = 0; step < wanted.length; step++) {
      assertEquals(wanted[step], got[step], 1e-4 * wanted[step], "step " + step);
    }
  }

  /** Five frames in parts of two: loss and pictures are the CPU's. */
  @Test
  void anAutoencoderIsValidatedInParts() throws IOException {
    assumeTrue(TestGpu.find().isPresent(), "there is no GPU, and no simulated one was built");
    ObjectNode json =
        (ObjectNode) new JsonMapper().readTree(PresetFile.named("autoencoder").json());
    json.put("image_size", 16).withObject("/training").put("batch_size", 2);
    AutoencoderPreset preset = AutoencoderPreset.of("small", json.toString());
    DataConfig data = DataConfig.of(preset.data().orElseThrow());
    float[] frames = HeldOutFrames.rendered(data, 5, 16).range(0, 5);
    try (var wanted = new AutoencoderTrainer(preset, Device.cpu(), DType.F32, 3, frames);
        var got = new AutoencoderTrainer(preset, Device.of("cuda"), DType.F32, 3, frames)) {
      wanted
          .averagedParameters()
          .forEach(
              (name, tensor) -> got.averagedParameters().get(name).copyFrom(tensor.toFloats()));
      double loss = wanted.averagedLoss(frames);
      assertEquals(loss, got.averagedLoss(frames), 1e-4 * loss);
      assertArrayEquals(wanted.reconstruct(frames), got.reconstruct(frames), 1e-3f);
    }
  }
}
