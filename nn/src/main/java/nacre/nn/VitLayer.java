package nacre.nn;

import static nacre.tensor.ops.Reshape.reshape;
import static nacre.tensor.ops.ScaledDotProductAttention.attention;

import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;

/**
 * One layer of a {@link Vit}: norm and self-attention, norm and feed-forward, each half with a
 * residual connection.
 */
final class VitLayer implements Layer {
  private final LayerNorm before;
  private final Linear query;
  private final Linear key;
  private final Linear value;
  private final Linear attended;
  private final LayerNorm after;
  private final Linear intermediate;
  private final Linear output;
  private final int heads;
  private final Unary activation;

  VitLayer(Parameters p, VitConfig config) {
    int width = config.hiddenSize();
    this.before = new LayerNorm(p.at("layernorm_before"), width, config.layerNormEps());
    Parameters attention = p.at("attention");
    Parameters heads = attention.at("attention");
    this.query = linear(heads.at("query"), width, width, config.qkvBias());
    this.key = linear(heads.at("key"), width, width, config.qkvBias());
    this.value = linear(heads.at("value"), width, width, config.qkvBias());
    this.attended = linear(attention.at("output.dense"), width, width, true);
    this.after = new LayerNorm(p.at("layernorm_after"), width, config.layerNormEps());
    this.intermediate = linear(p.at("intermediate.dense"), width, config.intermediateSize(), true);
    this.output = linear(p.at("output.dense"), config.intermediateSize(), width, true);
    this.heads = config.numAttentionHeads();
    this.activation = config.activation();
  }

  private static Linear linear(Parameters p, int in, int out, boolean bias) {
    return new Linear(p, in, out, Vit.INITIALIZER, bias ? Initializer.zeros() : null);
  }

  /** {@code x [N, T, C] → [N, T, C]}. */
  @Override
  public Tensor forward(Tensor x) {
    Tensor y = before.forward(x);
    Tensor mixed =
        attention(split(query.forward(y)), split(key.forward(y)), split(value.forward(y)));
    Tensor h = attended.forwardAdd(reshape(mixed, x.dim(0), x.dim(1), x.dim(2)), x);
    return output.forwardAdd(intermediate.forward(after.forward(h), activation), h);
  }

  /** {@code [N, T, C] → [N, T, heads, C/heads]}. */
  private Tensor split(Tensor x) {
    return reshape(x, x.dim(0), x.dim(1), heads, x.dim(2) / heads);
  }
}
