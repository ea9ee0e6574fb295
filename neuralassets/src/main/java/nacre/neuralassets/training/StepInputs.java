package nacre.neuralassets.training;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.ConditioningTensors;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.SampleSpace;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The inputs of one training step, on the device: a {@link PairBatch} and its noise. The trainer
 * writes one batch after another into the same tensors, so that a captured step finds them there.
 *
 * @param conditioning the model's input about the targets
 * @param target what the target frames are encoded as, {@link SampleSpace#encode}: their pixels
 *     {@code [B, S, S, 3]} in [−1, 1], or the moments {@code [B, s, s, 2c]} of their latents
 * @param latentNoise the noise with which {@link SampleSpace#draw} draws a latent; null for the
 *     mode of the distribution, and for pixels
 * @param source what the source frames are encoded as, like the target; null unless the UNet sees
 *     them
 * @param sourceKept {@code [B, 1, 1, 1]}: 0 for source frames that are dropped, else 1; null as
 *     well
 * @param timesteps {@code i32[B]}
 * @param noise standard normal, {@code [B, s, s, c]}
 * @param errorWeights factors on the errors, {@code [B, S, S, 3]}; null if all errors count the
 *     same
 */
public record StepInputs(
    ConditioningTensors conditioning,
    Tensor target,
    Tensor latentNoise,
    Tensor source,
    Tensor sourceKept,
    Tensor timesteps,
    Tensor noise,
    Tensor errorWeights) {

  /** Philox stream of the noise of step 0; each step has its own. */
  private static final long NOISE_STREAM = 0x6e6f697365L << 24;

  /** Philox stream of the latent noise of step 0. */
  private static final long LATENT_STREAM = 0x6c6174656eL << 24;

  /** Inputs without latent noise and without weights on the errors. */
  public StepInputs(
      ConditioningTensors conditioning, Tensor target, Tensor timesteps, Tensor noise) {
    this(conditioning, target, null, timesteps, noise, null);
  }

  /** Inputs of a UNet that does not see the source frame. */
  public StepInputs(
      ConditioningTensors conditioning,
      Tensor target,
      Tensor latentNoise,
      Tensor timesteps,
      Tensor noise,
      Tensor errorWeights) {
    this(conditioning, target, latentNoise, null, null, timesteps, noise, errorWeights);
  }

  /** Unwritten inputs for {@code count} pairs of such a batch, in the current scope. */
  static StepInputs like(PairBatch batch, int count, NeuralAssets model) {
    Preset preset = model.preset();
    Device device = model.device();
    int side = preset.sampleSize();
    Shape images = Shape.of(count, batch.size(), batch.size(), 3);
    Shape samples = Shape.of(count, side, side, preset.sampleChannels());
    Shape encoded = model.samples().encodedShape(count, batch.size());
    boolean sees = preset.seesSource();
    return new StepInputs(
        model.room(count, batch.slots()),
        Tensor.empty(device, DType.F32, encoded),
        preset.vae().isEmpty() ? null : Tensor.empty(device, DType.F32, samples),
        sees ? Tensor.empty(device, DType.F32, encoded) : null,
        sees ? Tensor.empty(device, DType.F32, Shape.of(count, 1, 1, 1)) : null,
        Tensor.empty(device, DType.I32, Shape.of(count)),
        Tensor.empty(device, DType.F32, samples),
        preset.training().objectWeight() == 1 ? null : Tensor.empty(device, DType.F32, images));
  }

  /** Whether these tensors have the extents of {@code count} pairs of such a batch. */
  boolean fits(PairBatch batch, int count) {
    return count == target.dim(0) && batch.slots() == conditioning.slots();
  }

  /**
   * Overwrites everything but the noise with as many pairs of a batch as there is room for.
   *
   * @param from the first
   */
  void write(
      PairBatch whole, int from, NeuralAssets model, TargetEncoder encoder, Objective objective) {
    int count = target.dim(0);
    PairBatch batch = count == whole.count() ? whole : whole.slice(from, count);
    model.prepare(batch.conditioning(), conditioning);
    encoder.write(batch.target(), batch.moments(), target);
    if (source != null) {
      encoder.write(batch.conditioning().source(), batch.sourceMoments(), source);
      sourceKept.copyFrom(batch.conditioning().keepSource());
    }
    if (errorWeights != null) {
      errorWeights.copyFrom(batch.errorWeights(model.preset().training().objectWeight()));
    }
    objective.write(batch.timesteps(), timesteps);
  }

  /**
   * Overwrites the noise with random numbers of their own for each seed, step and pair, whatever
   * the part of the batch.
   *
   * @param step counted from 0
   * @param from the first pair
   * @param whole pairs in the whole batch
   */
  void draw(long seed, long step, int from, int whole) {
    draw(noise, seed, NOISE_STREAM + step, from, whole);
    if (latentNoise != null) {
      draw(latentNoise, seed, LATENT_STREAM + step, from, whole);
    }
  }

  private static void draw(Tensor y, long seed, long stream, int from, int whole) {
    if (y.dim(0) == whole) {
      y.backend().normal(seed, stream, y);
      return;
    }
    try (Scope _ = Scope.open()) {
      Tensor all = y.like(y.shape().with(0, whole));
      y.backend().normal(seed, stream, all);
      y.backend().slice(all, new int[] {from, 0, 0, 0}, y);
    }
  }

  /** All tensors. */
  List<Tensor> tensors() {
    Stream<Tensor> own =
        Stream.of(target, latentNoise, source, sourceKept, timesteps, noise, errorWeights);
    return Stream.concat(conditioning.tensors().stream(), own.filter(Objects::nonNull)).toList();
  }
}
