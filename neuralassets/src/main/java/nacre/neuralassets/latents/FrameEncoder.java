package nacre.neuralassets.latents;

import nacre.diffusion.vae.VaeConfig;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.SampleSpace;
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The encoder of a model's frames in batches of one size, whatever the number of frames: what is
 * left of a batch is computed and dropped. So the bits of a frame's moments do not depend on the
 * frames that it is encoded with.
 */
public final class FrameEncoder implements AutoCloseable {
  /**
   * The bytes, as f32, that the largest activation of a batch may take: 16 frames of 64 × 64 pixels
   * and more with small autoencoders, one of 256 × 256 with that of Stable Diffusion.
   */
  private static final long LARGEST = 16L << 20;

  private final int length;
  private final float[] pixels;
  private final Tensor images;
  private final CapturedStep encode;

  /**
   * The encoder of a model that draws in latents; its tensors belong to the current scope. A batch
   * has as many frames as a micro-batch of training, or less where they are large.
   */
  public FrameEncoder(NeuralAssets model) {
    this(model, model.preset().training().microBatchSize());
  }

  /**
   * The same with batches of another size, as for a rank's share of a micro-batch: a larger one
   * would compute what is dropped. Bits differ in rounding from those of batches of another size.
   *
   * @param most frames of a batch, which has less where they are large
   */
  public FrameEncoder(NeuralAssets model, int most) {
    SampleSpace.Latents latents = (SampleSpace.Latents) model.samples();
    int size = model.preset().imageSize();
    int count = batch(model.preset().vae().orElseThrow(), size, most);
    length = size * size * 3;
    pixels = new float[count * length];
    images = Tensor.empty(model.device(), DType.F32, Shape.of(count, size, size, 3));
    encode = CapturedStep.of(model.device(), () -> latents.vae().encode(images).moments());
  }

  /** The frames of a batch for a preset that draws in latents. */
  static int batch(Preset preset) {
    return batch(
        preset.vae().orElseThrow(), preset.imageSize(), preset.training().microBatchSize());
  }

  /** The frames of a batch: at most so many, and no more than memory is granted for. */
  static int batch(VaeConfig config, int size, int most) {
    long largest = 1; // the widest of the encoder's levels
    for (int level = 0; level < config.blockOutChannels().size(); level++) {
      long side = size >> level;
      largest = Math.max(largest, side * side * config.blockOutChannels().get(level));
    }
    return Math.clamp(LARGEST / (Float.BYTES * largest), 1, most);
  }

  /** The numbers of a frame, S · S · 3. */
  public int length() {
    return length;
  }

  /** The frames of a batch, at least one. */
  public int batch() {
    return images.dim(0);
  }

  /**
   * The moments of frames' latents, {@code [n, s, s, 2c]}: a view, in the current scope, of what
   * lives until the next call.
   *
   * @param frames pixels {@code [n, S, S, 3]} in [−1, 1] of at most {@link #batch} frames
   */
  public Tensor encode(float[] frames) {
    System.arraycopy(frames, 0, pixels, 0, frames.length);
    images.copyFrom(pixels);
    return encode.run().rows(0, frames.length / length);
  }

  @Override
  public void close() {
    encode.close();
  }
}
