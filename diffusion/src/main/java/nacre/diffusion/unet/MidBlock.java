package nacre.diffusion.unet;

import java.util.stream.Stream;
import nacre.diffusion.layers.ResnetBlock2D;
import nacre.nn.Attention;
import nacre.nn.AttentionContext;
import nacre.nn.Parameters;
import nacre.tensor.Recompute;
import nacre.tensor.Tensor;

/** The middle of the UNet: two residual blocks around attention, at the lowest resolution. */
final class MidBlock {
  private final ResnetBlock2D resnet1;
  private final Transformer2D attention;
  private final ResnetBlock2D resnet2;

  MidBlock(Parameters p, UNetConfig config) {
    int width = config.blockOutChannels().getLast();
    resnet1 = resnet(p.at("resnets.0"), width, config);
    attention =
        new Transformer2D(
            p.at("attentions.0"),
            width,
            config.heads().getLast(),
            config.transformerLayers().getLast(),
            config);
    resnet2 = resnet(p.at("resnets.1"), width, config);
  }

  private static ResnetBlock2D resnet(Parameters p, int width, UNetConfig config) {
    return new ResnetBlock2D(
        p, width, width, config.timeWidth(), config.normNumGroups(), config.normEps());
  }

  /** {@code x [N, H, W, C] → [N, H, W, C]}. */
  Tensor forward(Tensor x, TimeEmbedding time, AttentionContext context) {
    return Recompute.block(
        in -> {
          Tensor y = resnet1.forward(in.get(0), in.get(1), time.bias(resnet1));
          Tensor z = attention.forward(y, context.with(in.get(2)));
          return resnet2.forward(z, in.get(1), time.bias(resnet2));
        },
        x,
        time.embedded(),
        context.tokens());
  }

  Stream<ResnetBlock2D> resnets() {
    return Stream.of(resnet1, resnet2);
  }

  /** The layers that attend to the image itself. */
  Stream<Attention> selfAttention() {
    return attention.selfAttention();
  }

  /** The layers that attend to the context. */
  Stream<Attention> crossAttention() {
    return attention.crossAttention();
  }
}
