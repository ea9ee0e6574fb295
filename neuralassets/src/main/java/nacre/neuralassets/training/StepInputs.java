package nacre.neuralassets.training;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.AssetInputs;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Objective;
import nacre.neuralassets.model.Preset;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * What a training step reads, in tensors that stay where they are: a repeated step finds one batch
 * after the other in them.
 *
 * @param assets what is known of the targets
 * @param target {@code [B, S, S, 3]}
 * @param emphasis factors on errors, {@code [B, S, S, 3]}; null where all errors count the same
 * @param timesteps {@code i32[B]}
 * @param noise {@code [B, s, s, c]}, written by the trainer
 */
record StepInputs(
    AssetInputs assets, Tensor target, Tensor emphasis, Tensor timesteps, Tensor noise) {

  /** Room for batches of such extents, in the current scope. */
  static StepInputs like(PairBatch batch, NeuralAssets model) {
    Preset preset = model.preset();
    Device device = model.device();
    int count = batch.count();
    int side = preset.sampleSize();
    Shape images = Shape.of(count, batch.size(), batch.size(), 3);
    Shape samples = Shape.of(count, side, side, preset.sampleChannels());
    return new StepInputs(
        model.room(count, batch.slots()),
        Tensor.empty(device, DType.F32, images),
        preset.training().objectWeight() == 1 ? null : Tensor.empty(device, DType.F32, images),
        Tensor.empty(device, DType.I32, Shape.of(count)),
        Tensor.empty(device, DType.F32, samples));
  }

  /** Whether a batch has the extents that there is room for. */
  boolean fits(PairBatch batch) {
    return batch.count() == target.dim(0) && batch.slots() == assets.boxes().dim(1);
  }

  /** Puts a batch here in place of the last. */
  void write(PairBatch batch, NeuralAssets model, Objective objective) {
    model.prepare(batch.conditions(), assets);
    target.copyFrom(batch.target());
    if (emphasis != null) {
      emphasis.copyFrom(batch.emphasis(model.preset().training().objectWeight()));
    }
    objective.write(batch.timesteps(), timesteps);
  }

  /** All tensors. */
  List<Tensor> tensors() {
    Stream<Tensor> own = Stream.of(target, emphasis, timesteps, noise).filter(Objects::nonNull);
    return Stream.concat(assets.tensors().stream(), own).toList();
  }
}
