package nacre.evaluation.threedit;

import static nacre.tensor.ops.Ops.cast;
import static nacre.tensor.ops.Ops.meanSquaredError;

import java.util.List;
import nacre.diffusion.schedule.NoiseSchedule;
import nacre.diffusion.schedule.NoiseTable;
import nacre.diffusion.vae.LatentDistribution;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * The objective of 3DIT: the mean squared error of the predicted noise of the picture after the
 * edit, given the picture before it, the sentence and T, of which some are dropped. Its tensors
 * belong to the scope in which it was made.
 */
final class ThreeDitObjective {
  private final ThreeDit model;
  private final ConditionDropout dropout;
  private final NoiseTable schedule;
  private final int timesteps;

  ThreeDitObjective(ThreeDit model, ConditionDropout dropout) {
    NoiseSchedule noise = new NoiseSchedule(model.config().scheduler());
    this.model = model;
    this.dropout = dropout;
    this.schedule = noise.on(model.device());
    this.timesteps = noise.timesteps();
  }

  /**
   * The inputs of a step, on the device.
   *
   * @param tokens {@link ThreeDit#tokens}
   * @param source {@link ThreeDit#source}
   * @param numbers T, {@code [B, 4]}
   * @param moments of the latents of the pictures after the edit, {@code [B, s, s, 2c]}
   * @param latentNoise with which a latent is drawn, {@code [B, s, s, c]}
   * @param drawn uniform, {@code [B]}, which decides what is dropped
   * @param timesteps {@code i32[B]}
   * @param noise {@code [B, s, s, c]}
   */
  record Inputs(
      Tensor tokens,
      Tensor source,
      Tensor numbers,
      Tensor moments,
      Tensor latentNoise,
      Tensor drawn,
      Tensor timesteps,
      Tensor noise) {
    List<Tensor> tensors() {
      return List.of(tokens, source, numbers, moments, latentNoise, drawn, timesteps, noise);
    }
  }

  /** The number of timesteps, T. */
  int timesteps() {
    return timesteps;
  }

  /** Writes timesteps over others. */
  void write(int[] values, Tensor to) {
    schedule.write(values, to);
  }

  /** Timesteps on the device, {@code i32[B]}. */
  Tensor timesteps(int... values) {
    return schedule.timesteps(values);
  }

  /** The loss, an f32 scalar. Nothing in it involves the host. */
  Tensor loss(Inputs in) {
    return Scope.tidy(
        () -> {
          Tensor latent = new LatentDistribution(in.moments).sample(in.latentNoise);
          Tensor clean = model.vae().toDiffusion(latent);
          Tensor noisy = schedule.addNoise(clean, in.noise, in.timesteps);
          Tensor context = model.context(dropout.tokens(in.tokens, in.drawn), in.numbers);
          Tensor source = dropout.source(in.source, in.drawn);
          Tensor times = cast(in.timesteps, DType.F32);
          Tensor prediction = model.denoise(noisy, source, times, context);
          return meanSquaredError(prediction, schedule.target(clean, in.noise, in.timesteps));
        });
  }
}
