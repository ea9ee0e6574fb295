package nacre.diffusion.text;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Reshape.reshape;
import static nacre.tensor.ops.ScaledDotProductAttention.attention;

import nacre.nn.Layer;
import nacre.nn.LayerNorm;
import nacre.nn.Linear;
import nacre.nn.Mlp;
import nacre.nn.Parameters;
import nacre.tensor.Range;
import nacre.tensor.Tensor;

/** One layer of a {@link ClipTextModel}: causal self-attention and feed-forward, norms before. */
final class ClipTextLayer implements Layer {
  private final String name;
  private final LayerNorm norm1;
  private final Linear query;
  private final Linear key;
  private final Linear value;
  private final Linear out;
  private final LayerNorm norm2;
  private final Mlp mlp;
  private final int heads;

  ClipTextLayer(Parameters p, ClipTextConfig config) {
    name = p.place();
    int width = config.hiddenSize();
    Parameters attention = p.at("self_attn");
    norm1 = new LayerNorm(p.at("layer_norm1"), width, config.layerNormEps());
    query = new Linear(attention.at("q_proj"), width, width);
    key = new Linear(attention.at("k_proj"), width, width);
    value = new Linear(attention.at("v_proj"), width, width);
    out = new Linear(attention.at("out_proj"), width, width);
    norm2 = new LayerNorm(p.at("layer_norm2"), width, config.layerNormEps());
    mlp = new Mlp(p.at("mlp"), width, config.intermediateSize(), width, config.activation());
    heads = config.numAttentionHeads();
  }

  /** {@code x [N, T, C] → [N, T, C]}. */
  @Override
  public Tensor forward(Tensor x) {
    try (Range _ = x.device().range(name)) {
      return halves(x);
    }
  }

  private Tensor halves(Tensor x) {
    Tensor y = norm1.forward(x);
    Tensor q = split(query.forward(y));
    Tensor k = split(key.forward(y));
    Tensor v = split(value.forward(y));
    double scale = 1 / Math.sqrt(q.dim(3));
    Tensor mixed = attention(q, k, v, scale, true); // [N, T, heads, C / heads]
    Tensor h = add(x, out.forward(reshape(mixed, x.dim(0), x.dim(1), x.dim(2))));
    return add(h, mlp.forward(norm2.forward(h)));
  }

  /** {@code [N, T, C] → [N, T, heads, C / heads]}. */
  private Tensor split(Tensor x) {
    return reshape(x, x.dim(0), x.dim(1), heads, x.dim(2) / heads);
  }
}
