package nacre.diffusion.vae;

import static nacre.tensor.ops.Ops.add;
import static nacre.tensor.ops.Ops.reshape;

import nacre.nn.Attention;
import nacre.nn.GroupNorm;
import nacre.nn.Layer;
import nacre.nn.Parameters;
import nacre.tensor.Tensor;

/** Single-head self-attention over the pixels, after GroupNorm and with a residual connection. */
final class PixelAttention implements Layer {
  private final GroupNorm norm;
  private final Attention attention;

  PixelAttention(Parameters p, int channels, VaeConfig config) {
    norm = new GroupNorm(p.at("group_norm"), config.normNumGroups(), channels, Coder.EPS);
    attention = new Attention(p, channels, channels, 1, channels, true);
  }

  /** {@code x [N, H, W, C] → [N, H, W, C]}. */
  @Override
  public Tensor forward(Tensor x) {
    int n = x.dim(0);
    int c = x.dim(3);
    Tensor tokens = reshape(norm.forward(x), n, x.dim(1) * x.dim(2), c); // [N, H·W, C]
    Tensor mixed = attention.forward(tokens);
    return add(reshape(mixed, n, x.dim(1), x.dim(2), c), x);
  }
}
