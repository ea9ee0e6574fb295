package nacre.neuralassets.model;

import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.MeanSquaredError.meanSquaredError;

import nacre.diffusion.schedule.NoiseSchedule;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * What training makes small: the mean squared error of the UNet's prediction on a noisy target
 * frame, given the tokens of a source frame (Ho et al., 2020, equation 14).
 */
public final class Objective {
  private final NeuralAssets model;
  private final NoiseSchedule schedule;

  /** The objective of a model, with the noise schedule of its preset. */
  public Objective(NeuralAssets model) {
    this.model = model;
    this.schedule = new NoiseSchedule(model.preset().scheduler());
  }

  /** Number of timesteps to draw from, 0 to this less one. */
  public int timesteps() {
    return schedule.timesteps();
  }

  /** The loss with the likeliest sample of each target: see the other. */
  public Tensor loss(Conditions conditions, Tensor target, int[] timesteps, Tensor noise) {
    return loss(conditions, target, null, timesteps, noise, null);
  }

  /**
   * The loss, an f32 scalar.
   *
   * @param target {@code [B, S, S, 3]} in [−1, 1]
   * @param latentNoise {@link SampleSpace#toSamples}'s, nullable
   * @param timesteps one for each image, below {@link #timesteps()}
   * @param noise standard normal, {@code [B, s, s, c]}
   * @param emphasis factors on errors, {@code [B, s, s, c]}, nullable
   */
  public Tensor loss(
      Conditions conditions,
      Tensor target,
      Tensor latentNoise,
      int[] timesteps,
      Tensor noise,
      Tensor emphasis) {
    try (Scope scope = Scope.open()) {
      Tensor clean = model.samples().toSamples(target, latentNoise);
      Tensor noisy = schedule.addNoise(clean, noise, timesteps);
      Tensor tokens = model.tokens(conditions);
      Tensor prediction = model.denoise(noisy, floats(timesteps), tokens);
      Tensor wanted = schedule.target(clean, noise, timesteps);
      if (emphasis != null) {
        prediction = multiply(prediction, emphasis);
        wanted = multiply(wanted, emphasis);
      }
      return scope.hand(meanSquaredError(prediction, wanted));
    }
  }

  private Tensor floats(int[] timesteps) {
    float[] values = new float[timesteps.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = timesteps[i];
    }
    return Tensor.of(model.device(), Shape.of(values.length), values);
  }
}
