package nacre.tensor.cpu;

import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.spi.RoundingNoise;

/**
 * Parameters that an optimizer updates, in the type in which they are kept: widened to f32 tiles,
 * and rounded again.
 *
 * @param tensors f32 or bf16
 * @param compensations of the rounding of bf16 ones to nearest; empty where there is none
 */
record Weights(List<Tensor> tensors, List<Tensor> compensations) {
  private static final int SCRATCH = 4;

  /** tile = n parameters of tensor t from {@code at} on. */
  void load(int t, long at, float[] tile, int n) {
    read(tensors.get(t), at, tile, n);
    if (!compensations.isEmpty()) {
      float[] rest = Scratch.mine().floats(SCRATCH, Scratch.TILE);
      read(compensations.get(t), at, rest, n);
      for (int j = 0; j < n; j++) {
        tile[j] += rest[j];
      }
    }
  }

  /** The reverse of {@link #load}; what is in the tile is lost. */
  void store(float[] tile, int t, long at, int n, int key) {
    Tensor to = tensors.get(t);
    if (to.dtype() == DType.BF16 && compensations.isEmpty()) {
      Moments.storeRounded(tile, to, at, n, RoundingNoise.others(key), 0);
      return;
    }
    write(tile, to, at, n);
    if (!compensations.isEmpty()) {
      float[] rounded = Scratch.mine().floats(SCRATCH, Scratch.TILE);
      read(to, at, rounded, n);
      for (int j = 0; j < n; j++) {
        tile[j] -= rounded[j];
      }
      write(tile, compensations.get(t), at, n);
    }
  }

  private static void read(Tensor x, long at, float[] tile, int n) {
    Tiles.load(x.address(), x.dtype(), at, tile, 0, n);
  }

  private static void write(float[] tile, Tensor x, long at, int n) {
    Tiles.store(tile, 0, x.address(), x.dtype(), at, n);
  }
}
