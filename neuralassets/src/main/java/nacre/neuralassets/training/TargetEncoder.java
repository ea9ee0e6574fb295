package nacre.neuralassets.training;

import java.util.stream.IntStream;
import nacre.neuralassets.latents.FrameEncoder;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.SampleSpace;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * The encoder of target frames, and of source frames that a UNet sees. It is not trained, so it
 * computes before the step and without its tape. Frames whose moments are known are not encoded
 * again; the bits are the same, but for rounding where several ranks divide a batch.
 */
final class TargetEncoder implements AutoCloseable {
  private final FrameEncoder frames;

  /**
   * The encoder of a model; its tensors belong to the current scope.
   *
   * @param pairs of a step, or of a part of it
   */
  TargetEncoder(NeuralAssets model, int pairs) {
    boolean encodes = model.samples() instanceof SampleSpace.Latents;
    frames = encodes ? new FrameEncoder(model, pairs) : null;
  }

  /**
   * Writes what frames are encoded as.
   *
   * @param images pixels {@code [B, S, S, 3]} in [−1, 1]
   * @param known of each frame its moments, null where they are not known
   * @param to {@link SampleSpace#encodedShape}
   */
  void write(float[] images, float[][] known, Tensor to) {
    if (frames == null) {
      to.copyFrom(images);
      return;
    }
    try (Scope _ = Scope.open()) {
      for (int i = 0; i < known.length; i++) {
        if (known[i] != null) {
          to.rows(i, i + 1).copyFrom(known[i]);
        }
      }
      int[] unknown = IntStream.range(0, known.length).filter(i -> known[i] == null).toArray();
      for (int from = 0; from < unknown.length; from += frames.batch()) {
        int count = Math.min(frames.batch(), unknown.length - from);
        encode(images, IntStream.of(unknown).skip(from).limit(count).toArray(), to);
      }
    }
  }

  private void encode(float[] images, int[] places, Tensor to) {
    int each = frames.length();
    float[] pixels = new float[places.length * each];
    for (int k = 0; k < places.length; k++) {
      System.arraycopy(images, places[k] * each, pixels, k * each, each);
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
