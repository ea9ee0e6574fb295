package nacre.neuralassets.latents;

import nacre.neuralassets.model.SampleSpace;
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * An encoder of frames one by one, so that the bits of a frame's moments depend on nothing else.
 */
public final class FrameEncoder implements AutoCloseable {
  private final Tensor image;
  private final CapturedStep encode;

  /**
   * The encoder of frames of {@code size} by {@code size} pixels; its tensors belong to the current
   * scope.
   */
  public FrameEncoder(SampleSpace.Latents latents, Device device, int size) {
    image = Tensor.empty(device, DType.F32, Shape.of(1, size, size, 3));
    encode = CapturedStep.of(device, () -> latents.encode(image));
  }

  /** The numbers of a frame, S · S · 3. */
  public int length() {
    return (int) image.elements();
  }

  /**
   * The moments of a frame's latents, {@code [1, s, s, 2c]}, which live until the next call.
   *
   * @param pixels {@code [S, S, 3]} in [−1, 1]
   */
  public Tensor encode(float[] pixels) {
    image.copyFrom(pixels);
    return encode.run();
  }

  @Override
  public void close() {
    encode.close();
  }
}
