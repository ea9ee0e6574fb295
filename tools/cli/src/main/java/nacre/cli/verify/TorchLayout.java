package nacre.cli.verify;

import static nacre.tensor.ops.Permute.permute;

import nacre.tensor.Tensor;

/**
 * The conversion between the layouts of a bundle's inputs and outputs and the engine's. It is
 * differentiable, so that gradients are in PyTorch's layouts too.
 */
final class TorchLayout {
  private TorchLayout() {}

  /** {@code [N, C, ..] → [N, .., C]}. */
  static Tensor channelsLast(Tensor x) {
    int rank = x.shape().rank();
    return rank < 3 ? x : moveAxis(x, 1, rank - 1);
  }

  /** {@code [N, .., C] → [N, C, ..]}. */
  static Tensor channelsFirst(Tensor x) {
    int rank = x.shape().rank();
    return rank < 3 ? x : moveAxis(x, rank - 1, 1);
  }

  /** {@code [B, heads, T, D] → [B, T, heads, D]}, and back. */
  static Tensor swapHeads(Tensor x) {
    return permute(x, 0, 2, 1, 3);
  }

  /** Moves an axis. */
  static Tensor moveAxis(Tensor x, int from, int to) {
    if (from == to) {
      return x;
    }
    int[] axes = new int[x.shape().rank()];
    int next = 0;
    for (int i = 0; i < axes.length; i++) {
      if (i == to) {
        axes[i] = from;
        continue;
      }
      if (next == from) {
        next++;
      }
      axes[i] = next++;
    }
    return permute(x, axes);
  }
}
