package nacre.diffusion.vae;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Reshape.reshape;

import nacre.diffusion.layers.ResnetBlock2D;
import nacre.nn.Attention;
import nacre.nn.GroupNorm;
import nacre.nn.Parameters;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/** Two residual blocks around self-attention of one head over the pixels. */
final class MidBlock {
  private final ResnetBlock2D resnet1;
  private final GroupNorm norm;
  private final Attention attention;
  private final ResnetBlock2D resnet2;

  MidBlock(Parameters p, int channels, VaeConfig config) {
    int groups = config.normNumGroups();
    resnet1 = new ResnetBlock2D(p.at("resnets.0"), channels, channels, 0, groups, Coder.EPS);
    if (config.midAttention()) {
      Parameters inner = p.at("attentions.0");
      norm = new GroupNorm(inner.at("group_norm"), groups, channels, Coder.EPS);
      attention = new Attention(inner, channels, channels, 1, channels, true);
    } else {
      norm = null;
      attention = null;
    }
    resnet2 = new ResnetBlock2D(p.at("resnets.1"), channels, channels, 0, groups, Coder.EPS);
  }

  /** {@code x [N, H, W, C] → [N, H, W, C]}. */
  Tensor forward(Tensor x) {
    try (Scope scope = Scope.open()) {
      Tensor y = resnet1.forward(x, null);
      if (attention != null) {
        y = attend(y);
      }
      return scope.keep(resnet2.forward(y, null));
    }
  }

  private Tensor attend(Tensor x) {
    try (Scope scope = Scope.open()) {
      int n = x.dim(0);
      int c = x.dim(3);
      Tensor tokens = reshape(norm.forward(x), n, x.dim(1) * x.dim(2), c); // [N, H·W, C]
      Tensor mixed = attention.forward(tokens);
      return scope.keep(add(reshape(mixed, n, x.dim(1), x.dim(2), c), x));
    }
  }
}
