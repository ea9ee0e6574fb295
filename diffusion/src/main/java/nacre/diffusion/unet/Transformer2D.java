package nacre.diffusion.unet;

import static nacre.tensor.ops.Reshape.reshape;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import nacre.nn.Attention;
import nacre.nn.AttentionContext;
import nacre.nn.Conv2d;
import nacre.nn.GroupNorm;
import nacre.nn.Layer;
import nacre.nn.Linear;
import nacre.nn.Parameters;
import nacre.nn.Sequential;
import nacre.tensor.Range;
import nacre.tensor.Tensor;

/**
 * Transformer blocks over the pixels of an image, {@code [N, H, W, C] → [N, H, W, C]}. Names as
 * diffusers' {@code Transformer2DModel}.
 */
final class Transformer2D {
  private final String name;
  private final GroupNorm norm;
  private final Linear linearIn;
  private final Linear linearOut;
  private final Conv2d convIn;
  private final Conv2d convOut;
  private final List<TransformerBlock> blocks = new ArrayList<>();

  Transformer2D(Parameters p, int channels, int heads, int layers, UNetConfig config) {
    if (channels % heads != 0) {
      throw new IllegalArgumentException(
          "UNet2DConditionModel: "
              + channels
              + " channels do not divide into "
              + heads
              + " attention heads");
    }
    name = p.place();
    norm = new GroupNorm(p.at("norm"), config.normNumGroups(), channels, 1e-6);
    boolean linear = config.useLinearProjection();
    linearIn = linear ? new Linear(p.at("proj_in"), channels, channels) : null;
    convIn = linear ? null : new Conv2d(p.at("proj_in"), channels, channels, 1, 1, 0);
    for (int i = 0; i < layers; i++) {
      Parameters block = p.at("transformer_blocks").at(i);
      blocks.add(new TransformerBlock(block, channels, heads, config.crossAttentionDim()));
    }
    linearOut = linear ? new Linear(p.at("proj_out"), channels, channels) : null;
    convOut = linear ? null : new Conv2d(p.at("proj_out"), channels, channels, 1, 1, 0);
  }

  /** {@code x [N, H, W, C], context [N, S, contextWidth] → [N, H, W, C]}. */
  Tensor forward(Tensor x, AttentionContext context) {
    int n = x.dim(0);
    int h = x.dim(1);
    int w = x.dim(2);
    int c = x.dim(3);
    List<Layer> layers = new ArrayList<>();
    layers.add(this::tokens);
    blocks.forEach(block -> layers.add(y -> block.forward(y, context)));
    layers.add(
        y ->
            linearOut != null
                ? reshape(linearOut.forwardAdd(y, reshape(x, n, h * w, c)), n, h, w, c)
                : convOut.forward(reshape(y, n, h, w, c), x));
    try (Range _ = x.device().range(name)) {
      return Sequential.of(layers).forward(x);
    }
  }

  /** The layers that attend to the image itself. */
  Stream<Attention> selfAttention() {
    return blocks.stream().map(TransformerBlock::selfAttention);
  }

  /** The layers that attend to the context. */
  Stream<Attention> crossAttention() {
    return blocks.stream().map(TransformerBlock::crossAttention);
  }

  /** {@code x [N, H, W, C] → [N, H·W, C]}, normalized and projected. */
  private Tensor tokens(Tensor x) {
    Tensor y = norm.forward(x);
    if (convIn != null) {
      y = convIn.forward(y);
    }
    y = reshape(y, x.dim(0), x.dim(1) * x.dim(2), x.dim(3));
    return linearIn == null ? y : linearIn.forward(y);
  }
}
