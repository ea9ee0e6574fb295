package nacre.neuralassets.training;

import java.util.Arrays;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.latents.FrameEncoder;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.SampleSpace;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * The encoder of target frames. It is not trained, so it computes before the step and without its
 * tape. Frames whose moments are known are not encoded again; the bits are the same.
 */
final class TargetEncoder implements AutoCloseable {
  private final FrameEncoder frames;

  /** The encoder of a model; its tensors belong to the current scope. */
  TargetEncoder(NeuralAssets model) {
    frames =
        model.samples() instanceof SampleSpace.Latents latents
            ? new FrameEncoder(latents, model.device(), model.preset().imageSize())
            : null;
  }

  /**
   * Writes what the target frames of a batch are encoded as.
   *
   * @param to {@link SampleSpace#encodedShape}
   */
  void write(PairBatch batch, Tensor to) {
    if (frames == null) {
      to.copyFrom(batch.target());
      return;
    }
    int each = frames.length();
    try (Scope _ = Scope.open()) {
      for (int i = 0; i < batch.count(); i++) {
        Tensor moments = to.rows(i, i + 1);
        if (batch.moments()[i] != null) {
          moments.copyFrom(batch.moments()[i]);
        } else {
          float[] frame = Arrays.copyOfRange(batch.target(), i * each, (i + 1) * each);
          to.backend().cast(frames.encode(frame), moments);
        }
      }
    }
  }

  @Override
  public void close() {
    if (frames != null) {
      frames.close();
    }
  }
}
