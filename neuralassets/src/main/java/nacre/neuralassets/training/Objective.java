package nacre.neuralassets.training;

import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.MeanSquaredError.meanSquaredError;

import nacre.diffusion.schedule.NoiseSchedule;
import nacre.diffusion.schedule.NoiseTable;
import nacre.neuralassets.model.EncodedConditioning;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.SampleSpace;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * The training objective: the mean squared error of the UNet's prediction on a noisy target frame,
 * given the tokens of a source frame (Ho et al., 2020, equation 14).
 */
public final class Objective {
  private final NeuralAssets model;
  private final NoiseTable schedule;
  private final int timesteps;

  /**
   * The objective of a model, with the noise schedule of its preset. Its tensors belong to the
   * current scope.
   */
  public Objective(NeuralAssets model) {
    NoiseSchedule noise = new NoiseSchedule(model.preset().scheduler());
    this.model = model;
    this.timesteps = noise.timesteps();
    this.schedule = noise.on(model.device());
  }

  /** The number of timesteps of the diffusion, T: they are 0 to T − 1. */
  public int timesteps() {
    return timesteps;
  }

  /**
   * Timesteps on the model's device, {@code i32[B]}, in the current scope.
   *
   * @throws IllegalArgumentException if one is not from 0 to T − 1
   */
  public Tensor timesteps(int... values) {
    return schedule.timesteps(values);
  }

  /**
   * Writes timesteps over others, {@code i32[B]}.
   *
   * @throws IllegalArgumentException if one is not from 0 to T − 1
   */
  void write(int[] values, Tensor to) {
    schedule.write(values, to);
  }

  /** The loss, an f32 scalar. It does not involve the host, so a captured step may contain it. */
  public Tensor loss(StepInputs in) {
    SampleSpace samples = model.samples();
    return Scope.tidy(
        () -> {
          Tensor clean = samples.draw(in.target(), in.latentNoise());
          Tensor noisy = schedule.addNoise(clean, in.noise(), in.timesteps());
          Tensor tokens = model.tokens(in.conditioning());
          Tensor source =
              in.source() == null
                  ? null
                  : multiply(samples.draw(in.source(), null), in.sourceKept());
          Tensor prediction =
              model.denoise(
                  noisy, cast(in.timesteps(), DType.F32), new EncodedConditioning(tokens, source));
          Tensor wanted = schedule.target(clean, in.noise(), in.timesteps());
          if (in.errorWeights() != null) {
            Tensor weights = samples.toErrorWeights(in.errorWeights());
            prediction = multiply(prediction, weights);
            wanted = multiply(wanted, weights);
          }
          return meanSquaredError(prediction, wanted);
        });
  }
}
