package nacre.cli.verify;

import static nacre.tensor.ops.Reshape.reshape;

import java.util.Map;
import nacre.diffusion.schedule.NoiseSchedule;
import nacre.diffusion.schedule.NoiseTable;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.Conditioning;
import nacre.neuralassets.model.EncodedConditioning;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.training.Objective;
import nacre.neuralassets.training.StepInputs;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.weights.ConfigJson;

/**
 * A training step of Neural Assets, from a preset as its config to its loss. The optimizer has a
 * bundle of its own.
 */
final class TrainStepSubject {
  private TrainStepSubject() {}

  static Subject of(ConfigJson c, Parameters p, DType compute) {
    Preset preset = Preset.of(c.model(), c.node().toString());
    NeuralAssets model = new NeuralAssets(p, preset, compute);
    NoiseTable schedule = new NoiseSchedule(preset.scheduler()).on(model.device());
    return inputs -> {
      Conditioning conditioning = conditioning(preset, inputs);
      Tensor steps = inputs.exact("timestep");
      int[] timesteps = new int[steps.dim(0)];
      for (int i = 0; i < timesteps.length; i++) {
        timesteps[i] = Math.round(steps.toFloats()[i]);
      }
      Tensor target = TorchLayout.channelsLast(inputs.exact("target"));
      Tensor noise = TorchLayout.channelsLast(inputs.exact("noise"));
      Tensor latentNoise =
          preset.vae().isEmpty() ? null : TorchLayout.channelsLast(inputs.exact("latent_noise"));
      Tensor encoded = model.samples().encode(target);
      Tensor clean = model.samples().draw(encoded, latentNoise);
      Tensor noisy = schedule.addNoise(clean, noise, schedule.timesteps(timesteps));
      Objective objective = new Objective(model);
      EncodedConditioning given = model.encode(conditioning);
      Tensor loss =
          objective.loss(
              new StepInputs(
                  model.prepare(conditioning),
                  encoded,
                  latentNoise,
                  given.source() == null ? null : model.samples().encode(source(inputs)),
                  given.source() == null
                      ? null
                      : reshape(inputs.exact("keep_source"), timesteps.length, 1, 1, 1),
                  objective.timesteps(timesteps),
                  noise,
                  errorWeights(preset, conditioning, inputs, target)));
      return Map.of(
          "clean",
          TorchLayout.channelsFirst(clean),
          "noisy",
          TorchLayout.channelsFirst(noisy),
          "tokens",
          given.tokens(),
          "prediction",
          TorchLayout.channelsFirst(model.denoise(noisy, steps, given)),
          "loss",
          reshape(loss, 1));
    };
  }

  private static Tensor errorWeights(
      Preset preset, Conditioning conditioning, Inputs inputs, Tensor target) {
    double weight = preset.training().objectWeight();
    if (weight == 1) {
      return null;
    }
    int count = conditioning.batch();
    float[] boxes = inputs.exact("target_boxes").toFloats();
    PairBatch pairs =
        new PairBatch(conditioning, target.toFloats(), boxes, new int[count], new float[count][]);
    return Tensor.of(target.device(), target.shape(), pairs.errorWeights(weight));
  }

  private static Conditioning conditioning(Preset preset, Inputs inputs) {
    Tensor boxes = inputs.exact("boxes");
    boolean asks = preset.assetTokens().asksForSourcePoses();
    return new Conditioning(
        preset.imageSize(),
        boxes.dim(1),
        source(inputs).toFloats(),
        boxes.toFloats(),
        asks ? inputs.exact("source_poses").toFloats() : new float[0],
        inputs.exact("poses").toFloats(),
        inputs.exact("background_pose").toFloats(),
        inputs.exact("keep").toFloats(),
        preset.seesSource()
            ? inputs.exact("keep_source").toFloats()
            : inputs.exact("keep").toFloats()); // not used
  }

  private static Tensor source(Inputs inputs) {
    return TorchLayout.channelsLast(inputs.exact("source"));
  }
}
