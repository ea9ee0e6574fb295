package nacre.tensor.ops;

import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/** Blocks of pixels into channels and back, composed of {@link Reshape} and {@link Permute}. */
public final class SpaceToDepth {
  private SpaceToDepth() {}

  /**
   * x {@code [N, fH, fW, C]} → {@code [N, H, W, f·f·C]}, channel {@code (dy · f + dx) · C + c}.
   *
   * @throws IllegalArgumentException if the factor does not divide height and width
   */
  public static Tensor spaceToDepth(Tensor x, int factor) {
    Require.rank("spaceToDepth", "input", x, 4, "[N, fH, fW, C]");
    if (factor < 1 || x.dim(1) % factor != 0 || x.dim(2) % factor != 0) {
      throw new IllegalArgumentException(
          "spaceToDepth: height and width of " + x.describe() + " are not multiples of " + factor);
    }
    int h = x.dim(1) / factor;
    int w = x.dim(2) / factor;
    int c = x.dim(3);
    try (Scope scope = Scope.open()) {
      Tensor blocks = Reshape.reshape(x, x.dim(0), h, factor, w, factor, c);
      Tensor y = Permute.permute(blocks, 0, 1, 3, 2, 4, 5);
      return scope.keep(Reshape.reshape(y, x.dim(0), h, w, factor * factor * c));
    }
  }

  /**
   * The inverse of {@link #spaceToDepth}: x {@code [N, H, W, f·f·C]} → {@code [N, fH, fW, C]}.
   *
   * @throws IllegalArgumentException if f · f does not divide the channels
   */
  public static Tensor depthToSpace(Tensor x, int factor) {
    Require.rank("depthToSpace", "input", x, 4, "[N, H, W, f·f·C]");
    if (factor < 1 || x.dim(3) % (factor * factor) != 0) {
      throw new IllegalArgumentException(
          "depthToSpace: channels of "
              + x.describe()
              + " are not a multiple of "
              + factor * factor);
    }
    int h = x.dim(1);
    int w = x.dim(2);
    int c = x.dim(3) / (factor * factor);
    try (Scope scope = Scope.open()) {
      Tensor blocks = Reshape.reshape(x, x.dim(0), h, w, factor, factor, c);
      Tensor y = Permute.permute(blocks, 0, 1, 3, 2, 4, 5);
      return scope.keep(Reshape.reshape(y, x.dim(0), h * factor, w * factor, c));
    }
  }
}
