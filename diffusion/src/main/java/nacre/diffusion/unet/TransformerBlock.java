package nacre.diffusion.unet;

import nacre.nn.Attention;
import nacre.nn.AttentionContext;
import nacre.nn.FeedForward;
import nacre.nn.LayerNorm;
import nacre.nn.Parameters;
import nacre.nn.Sequential;
import nacre.tensor.Range;
import nacre.tensor.Tensor;

/**
 * A transformer block: self-attention, cross-attention to the context, feed-forward, each after a
 * LayerNorm and with a residual connection. Names as in diffusers' {@code BasicTransformerBlock}.
 */
final class TransformerBlock {
  private final String name;
  private final LayerNorm norm1;
  private final Attention attention1;
  private final LayerNorm norm2;
  private final Attention attention2;
  private final LayerNorm norm3;
  private final FeedForward feedForward;

  TransformerBlock(Parameters p, int width, int heads, int contextWidth) {
    name = p.place();
    norm1 = new LayerNorm(p.at("norm1"), width);
    attention1 = new Attention(p.at("attn1"), width, width, heads, width / heads);
    norm2 = new LayerNorm(p.at("norm2"), width);
    attention2 = new Attention(p.at("attn2"), width, contextWidth, heads, width / heads);
    norm3 = new LayerNorm(p.at("norm3"), width);
    feedForward = new FeedForward(p.at("ff"), width);
  }

  /** {@code x [N, T, width], context [N, S, contextWidth] → [N, T, width]}. */
  Tensor forward(Tensor x, AttentionContext context) {
    try (Range _ = x.device().range(name)) {
      return Sequential.of(
              y -> attention1.forwardSelf(norm1.forward(y), context, y),
              y -> attention2.forward(norm2.forward(y), context, y),
              y -> feedForward.forward(norm3.forward(y), y))
          .forward(x);
    }
  }

  /** The layer that attends to the image itself. */
  Attention selfAttention() {
    return attention1;
  }

  /** The layer that attends to the context. */
  Attention crossAttention() {
    return attention2;
  }
}
