package nacre.neuralassets.model;

import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.MeanSquaredError.meanSquaredError;

import nacre.diffusion.schedule.NoiseSchedule;
import nacre.diffusion.schedule.NoiseTable;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * What training makes small: the mean squared error of the UNet's prediction on a noisy target
 * frame, given the tokens of a source frame (Ho et al., 2020, equation 14).
 */
public final class Objective {
  private final NeuralAssets model;
  private final NoiseTable schedule;
  private final int timesteps;

  /** The objective of a model, with the noise schedule of its preset; of the current scope. */
  public Objective(NeuralAssets model) {
    NoiseSchedule noise = new NoiseSchedule(model.preset().scheduler());
    this.model = model;
    this.timesteps = noise.timesteps();
    this.schedule = noise.on(model.device());
  }

  /** Number of timesteps to draw from, 0 to this less one. */
  public int timesteps() {
    return timesteps;
  }

  /** Writes timesteps, each below {@link #timesteps()}, over others: {@code i32[B]}. */
  public void write(int[] timesteps, Tensor to) {
    schedule.write(timesteps, to);
  }

  /** The loss with the likeliest sample of each target: see the others. */
  public Tensor loss(Conditions conditions, Tensor target, int[] timesteps, Tensor noise) {
    return loss(conditions, target, null, timesteps, noise, null);
  }

  /**
   * The loss of what the host has: see the other.
   *
   * @param timesteps one for each image, below {@link #timesteps()}
   */
  public Tensor loss(
      Conditions conditions,
      Tensor target,
      Tensor latentNoise,
      int[] timesteps,
      Tensor noise,
      Tensor emphasis) {
    return Scope.tidy(
        () -> {
          AssetInputs inputs = model.prepare(conditions);
          Tensor at = schedule.timesteps(timesteps);
          return loss(inputs, target, latentNoise, at, noise, emphasis);
        });
  }

  /**
   * The loss, an f32 scalar. Nothing is asked of the host, so that it may be repeated.
   *
   * @param target {@code [B, S, S, 3]} in [−1, 1]
   * @param latentNoise {@link SampleSpace#toSamples}'s, nullable
   * @param timesteps {@code i32[B]}, each below {@link #timesteps()}
   * @param noise standard normal, {@code [B, s, s, c]}
   * @param emphasis factors on errors, {@code [B, s, s, c]}, nullable
   */
  public Tensor loss(
      AssetInputs inputs,
      Tensor target,
      Tensor latentNoise,
      Tensor timesteps,
      Tensor noise,
      Tensor emphasis) {
    return Scope.tidy(
        () -> {
          Tensor clean = model.samples().toSamples(target, latentNoise);
          Tensor noisy = schedule.addNoise(clean, noise, timesteps);
          Tensor tokens = model.tokens(inputs);
          Tensor prediction = model.denoise(noisy, cast(timesteps, DType.F32), tokens);
          Tensor wanted = schedule.target(clean, noise, timesteps);
          if (emphasis != null) {
            prediction = multiply(prediction, emphasis);
            wanted = multiply(wanted, emphasis);
          }
          return meanSquaredError(prediction, wanted);
        });
  }
}
