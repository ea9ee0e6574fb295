package nacre.nn;

import static nacre.nn.MixedPrecision.match;
import static nacre.tensor.ops.Affine.scale;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Convolution.conv2d;
import static nacre.tensor.ops.MatrixProduct.matmul;
import static nacre.tensor.ops.Mix.mix;
import static nacre.tensor.ops.Reshape.reshape;
import static nacre.tensor.ops.UpsampleConvolution.upsampleConv2d;

import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Window;

/**
 * The low-rank adapter beside the weight of a linear layer or a convolution, scale · B (A x).
 * Parameters {@code lora_A.weight} and {@code lora_B.weight}, as peft names them. Each method adds
 * the change to what is given, in one pass, so that the layer can add the sum to its own output in
 * another.
 *
 * @param down A, {@code [r, in]} or {@code [r, KH, KW, in]}
 * @param up B, {@code [out, r]} or {@code [out, 1, 1, r]}
 * @param factor alpha / rank
 */
record LowRank(Tensor down, Tensor up, double factor) {
  static final String DOWN = "lora_A";
  static final String UP = "lora_B";

  /**
   * {@code x [.., in] → [.., out]}.
   *
   * @param sum {@code [.., out]} to add to; nullable
   */
  Tensor linear(Tensor x, Tensor sum) {
    Tensor inner = scaled(multiply(x, match(down, x), null)); // [.., r]
    return multiply(inner, match(up, x), sum);
  }

  private static Tensor multiply(Tensor x, Tensor weight, Tensor sum) {
    return nacre.tensor.ops.Linear.linear(x, weight, null, null, sum);
  }

  /**
   * {@code x [N, H, W, in] → [N, OH, OW, out]}, for a convolution with a window.
   *
   * @param sum {@code [N, OH, OW, out]} or {@code [N, 1, 1, out]} to add to; nullable
   */
  Tensor convolution(Tensor x, Tensor sum, Window window) {
    return up(conv2d(x, match(down, x), null, window), sum);
  }

  /** {@code x [N, H, W, in] → [N, 2H, 2W, out]}, for a convolution of x enlarged. */
  Tensor upsampled(Tensor x) {
    return up(upsampleConv2d(x, match(down, x), null), null);
  }

  private Tensor up(Tensor inner, Tensor sum) {
    return conv2d(scaled(inner), match(up, inner), null, sum, Window.of(1, 0));
  }

  /** Adds the change to the weight itself, computed in f32 and rounded once. */
  void addTo(Tensor weight) {
    try (Scope _ = Scope.open()) {
      Tensor a = cast(reshape(down, down.dim(0), -1), DType.F32);
      Tensor b = cast(reshape(up, up.dim(0), -1), DType.F32);
      Tensor change = reshape(matmul(b, a), weight.shape().toArray());
      Tensor sum = mix(cast(weight, DType.F32), 1, change, factor);
      weight.backend().cast(sum, weight);
    }
  }

  /** The narrow result of A, scaled: there are fewer numbers of it than of B's. */
  private Tensor scaled(Tensor inner) {
    return factor == 1 ? inner : scale(inner, factor);
  }
}
