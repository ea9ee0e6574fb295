package nacre.tensor.ops;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * The largest element of each window of an image, composed of {@link Slice}, {@link Comparison} and
 * {@link Where}: one axis after the other.
 */
public final class MaxPool {
  private MaxPool() {}

  /**
   * x {@code [N, H, W, C]} → {@code [N, (H − kernel) / stride + 1, (W − kernel) / stride + 1, C]}.
   * Rows and columns beyond the last window are not read. The gradient goes to one of the largest.
   *
   * @throws IllegalArgumentException if the window is larger than the image
   */
  public static Tensor maxPool(Tensor x, int kernel, int stride) {
    Require.rank("maxPool", "input", x, 4, "[N, H, W, C]");
    Require.floating("maxPool", x);
    if (kernel < 1 || stride < 1 || x.dim(1) < kernel || x.dim(2) < kernel) {
      throw new IllegalArgumentException(
          "maxPool: windows of "
              + kernel
              + " with stride "
              + stride
              + " do not fit into "
              + x.describe());
    }
    return Scope.tidy(() -> along(2, along(1, x, kernel, stride), kernel, stride));
  }

  private static Tensor along(int axis, Tensor x, int kernel, int stride) {
    int windows = (x.dim(axis) - kernel) / stride + 1;
    int blocks = windows + (kernel - 1) / stride;
    Tensor whole = fitted(axis, x, blocks * stride);
    int[] apart = {x.dim(0), x.dim(1), x.dim(2), x.dim(3), 0};
    System.arraycopy(apart, axis, apart, axis + 1, 4 - axis);
    apart[axis] = blocks;
    apart[axis + 1] = stride;
    Tensor strided = Reshape.reshape(whole, apart); // [… blocks, stride …]
    int[] together = {x.dim(0), x.dim(1), x.dim(2), x.dim(3)};
    together[axis] = windows;
    Tensor largest = null;
    for (int k = 0; k < kernel; k++) {
      Tensor some = Slice.slice(strided, axis, k / stride, windows);
      Tensor next = Reshape.reshape(Slice.slice(some, axis + 1, k % stride, 1), together);
      largest = largest == null ? next : Where.where(Comparison.less(largest, next), next, largest);
    }
    return largest;
  }

  /** x cut or filled up with zeros, which no window reads, to a length of an axis. */
  private static Tensor fitted(int axis, Tensor x, int length) {
    if (x.dim(axis) > length) {
      return Slice.slice(x, axis, 0, length);
    }
    if (x.dim(axis) == length) {
      return x;
    }
    int[] after = new int[4];
    after[axis] = length - x.dim(axis);
    return Pad.pad(x, new int[4], after);
  }
}
