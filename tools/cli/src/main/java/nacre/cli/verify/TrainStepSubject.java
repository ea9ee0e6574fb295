package nacre.cli.verify;

import static nacre.tensor.ops.Reshape.reshape;

import java.util.Map;
import nacre.diffusion.schedule.NoiseSchedule;
import nacre.diffusion.schedule.NoiseTable;
import nacre.neuralassets.model.Conditioning;
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
      Tensor encoded = model.samples().encode(target);
      Tensor clean = model.samples().draw(encoded, null);
      Tensor noisy = schedule.addNoise(clean, noise, schedule.timesteps(timesteps));
      Objective objective = new Objective(model);
      Tensor tokens = model.tokens(conditioning);
      Tensor loss =
          objective.loss(
              new StepInputs(
                  model.prepare(conditioning), encoded, objective.timesteps(timesteps), noise));
      return Map.of(
          "noisy",
          TorchLayout.channelsFirst(noisy),
          "tokens",
          tokens,
          "prediction",
          TorchLayout.channelsFirst(model.denoise(noisy, steps, tokens)),
          "loss",
          reshape(loss, 1));
    };
  }

  private static Conditioning conditioning(Preset preset, Inputs inputs) {
    Tensor boxes = inputs.exact("boxes");
    return new Conditioning(
        preset.imageSize(),
        boxes.dim(1),
        TorchLayout.channelsLast(inputs.exact("source")).toFloats(),
        boxes.toFloats(),
        inputs.exact("poses").toFloats(),
        inputs.exact("background_pose").toFloats(),
        inputs.exact("keep").toFloats());
  }
}
