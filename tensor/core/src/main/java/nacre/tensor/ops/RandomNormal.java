package nacre.tensor.ops;

import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Counter-based random numbers (Philox 4×32-10, Salmon et al. 2011): element i is a function of
 * seed, stream and i alone, on every device. Not differentiable.
 */
public final class RandomNormal {
  private RandomNormal() {}

  /** f32 samples of the standard normal distribution. */
  public static Tensor normal(Device device, Shape shape, long seed, long stream) {
    Tensor y = Tensor.empty(device, DType.F32, shape);
    device.backend().normal(seed, stream, y);
    return y;
  }

  /** f32 samples uniform in (0, 1]. */
  public static Tensor uniform(Device device, Shape shape, long seed, long stream) {
    Tensor y = Tensor.empty(device, DType.F32, shape);
    device.backend().uniform(seed, stream, y);
    return y;
  }
}
