package nacre.evaluation.threedit;

import static nacre.tensor.ops.Ops.linear;
import static nacre.tensor.ops.Ops.permute;

import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The resizing of square pictures as PyTorch's {@code interpolate(mode="bicubic",
 * align_corners=True)}: the first and the last pixels lie upon each other, and nothing is smoothed
 * where the picture shrinks (Keys, 1981, with a = −0.75; edges repeat).
 */
final class CubicResize {
  private static final double A = -0.75;

  private final Tensor weights;

  /** Its tensor belongs to the current scope. */
  CubicResize(Device device, int from, int to) {
    float[] matrix = new float[to * from];
    for (int i = 0; i < to; i++) {
      double place = to == 1 ? 0 : (double) i * (from - 1) / (to - 1);
      int left = (int) Math.floor(place);
      for (int tap = -1; tap <= 2; tap++) {
        int pixel = Math.clamp(left + tap, 0, from - 1);
        matrix[i * from + pixel] += (float) weight(Math.abs(place - (left + tap)));
      }
    }
    weights = Tensor.of(device, Shape.of(to, from), matrix);
  }

  private static double weight(double d) {
    return d <= 1
        ? ((A + 2) * d - (A + 3)) * d * d + 1
        : d < 2 ? ((A * d - 5 * A) * d + 8 * A) * d - 4 * A : 0;
  }

  /** {@code [B, from, from, C] → [B, to, to, C]}. */
  Tensor forward(Tensor x) {
    return Scope.tidy(
        () -> {
          Tensor narrow = linear(permute(x, 0, 3, 1, 2), weights, null); // [B, C, from, to]
          Tensor low = linear(permute(narrow, 0, 1, 3, 2), weights, null); // [B, C, to, to]
          return permute(low, 0, 3, 2, 1);
        });
  }
}
