package nacre.diffusion.unet;

import java.util.stream.Stream;
import nacre.diffusion.layers.ResnetBlock2D;
import nacre.nn.Attention;
import nacre.nn.AttentionContext;
import nacre.tensor.Recompute;
import nacre.tensor.Tensor;

/**
 * A residual block and the attention that follows it.
 *
 * @param resnet the block
 * @param attention null where the level has none
 */
record Stage(ResnetBlock2D resnet, Transformer2D attention) {

  /** {@code x [N, H, W, in] → [N, H, W, out]}. */
  Tensor forward(Tensor x, TimeEmbedding time, AttentionContext context) {
    return Recompute.block(
        in -> {
          Tensor y = resnet.forward(in.get(0), in.get(1), time.bias(resnet));
          return attention == null ? y : attention.forward(y, context.with(in.get(2)));
        },
        x,
        time.embedded(),
        context.tokens());
  }

  /** The layers that attend to the image itself. */
  Stream<Attention> selfAttention() {
    return attention == null ? Stream.of() : attention.selfAttention();
  }

  /** The layers that attend to the context. */
  Stream<Attention> crossAttention() {
    return attention == null ? Stream.of() : attention.crossAttention();
  }
}
