package nacre.neuralassets.training;

import java.util.stream.IntStream;
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
    frames = model.samples() instanceof SampleSpace.Latents ? new FrameEncoder(model) : null;
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
    try (Scope _ = Scope.open()) {
      for (int i = 0; i < batch.count(); i++) {
        if (batch.moments()[i] != null) {
          to.rows(i, i + 1).copyFrom(batch.moments()[i]);
        }
      }
      int[] unknown =
          IntStream.range(0, batch.count()).filter(i -> batch.moments()[i] == null).toArray();
      for (int from = 0; from < unknown.length; from += frames.batch()) {
        int count = Math.min(frames.batch(), unknown.length - from);
        encode(batch, IntStream.of(unknown).skip(from).limit(count).toArray(), to);
      }
    }
  }

  private void encode(PairBatch batch, int[] places, Tensor to) {
    int each = frames.length();
    float[] pixels = new float[places.length * each];
    for (int k = 0; k < places.length; k++) {
      System.arraycopy(batch.target(), places[k] * each, pixels, k * each, each);
    }
    Tensor moments = frames.encode(pixels);
    for (int k = 0; k < places.length; k++) {
      to.backend().cast(moments.rows(k, k + 1), to.rows(places[k], places[k] + 1));
    }
  }

  @Override
  public void close() {
    if (frames != null) {
      frames.close();
    }
  }
}
