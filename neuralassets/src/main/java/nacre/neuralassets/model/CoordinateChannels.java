package nacre.neuralassets.model;

import static nacre.tensor.ops.Arithmetic.add;

import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Constant channels that tell the UNet, which has no position embeddings, where each of its samples
 * lies.
 *
 * @param channels {@code [1, s, s, 4 · octaves]}
 */
record CoordinateChannels(Tensor channels) {
  /** The channels for samples of a side, in the current scope; null for no octaves. */
  static CoordinateChannels of(Device device, int side, int octaves) {
    return octaves == 0
        ? null
        : new CoordinateChannels(
            Tensor.of(device, Shape.of(1, side, side, 4 * octaves), waves(side, octaves)));
  }

  /** The same for each of so many samples, {@code [B, s, s, 4 · octaves]}. */
  Tensor of(int batch, DType dtype) {
    Shape shape = channels.shape().with(0, batch);
    return add(Tensor.zeros(channels.device(), dtype, shape), channels);
  }

  /**
   * For each sample, row by row, and each octave k: sine and cosine of 2ᵏ π x, and of 2ᵏ π y, where
   * x and y are its center's place from 0 to 1.
   */
  static float[] waves(int side, int octaves) {
    float[] values = new float[side * side * 4 * octaves];
    int at = 0;
    for (int row = 0; row < side; row++) {
      for (int column = 0; column < side; column++) {
        for (int k = 0; k < octaves; k++) {
          double u = (1L << k) * Math.PI * (column + 0.5) / side;
          double v = (1L << k) * Math.PI * (row + 0.5) / side;
          values[at++] = (float) Math.sin(u);
          values[at++] = (float) Math.cos(u);
          values[at++] = (float) Math.sin(v);
          values[at++] = (float) Math.cos(v);
        }
      }
    }
    return values;
  }
}
