package nacre.nn;

import static nacre.tensor.ops.Activation.silu;
import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Reshape.reshape;
import static nacre.tensor.ops.ScaledDotProductAttention.attention;
import static nacre.tensor.ops.Slice.slice;

import nacre.tensor.Range;
import nacre.tensor.Recompute;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;

/**
 * One layer of a {@link Vit}: norm and self-attention, norm and feed-forward, each half with a
 * residual connection, before which DINOv2 scales it by channel.
 */
final class VitLayer implements Layer {
  private final String name;
  private final LayerNorm before;
  private final Linear query;
  private final Linear key;
  private final Linear value;
  private final Linear attended;
  private final LayerNorm after;
  private final Linear inner;
  private final Linear outer;
  private final Tensor scale1;
  private final Tensor scale2;
  private final int heads;
  private final Unary activation;
  private final boolean gated;

  VitLayer(Parameters p, VitConfig config, VitNames names) {
    this.name = p.place();
    int width = config.hiddenSize();
    this.before = new LayerNorm(p.at(names.before()), width, config.layerNormEps());
    Parameters attention = p.at(names.attention());
    this.query = linear(attention.at(names.query()), width, width, config.qkvBias());
    this.key = linear(attention.at(names.key()), width, width, config.qkvBias());
    this.value = linear(attention.at(names.value()), width, width, config.qkvBias());
    this.attended = linear(p.at(names.attended()), width, width, true);
    this.after = new LayerNorm(p.at(names.after()), width, config.layerNormEps());
    this.inner = linear(p.at(names.inner()), width, config.innerOutputs(), true);
    this.outer = linear(p.at(names.outer()), config.innerSize(), width, true);
    boolean scaled = config.family().isDinov2();
    this.scale1 = scaled ? scale(p.at("layer_scale1"), config) : null;
    this.scale2 = scaled ? scale(p.at("layer_scale2"), config) : null;
    this.heads = config.numAttentionHeads();
    this.activation = config.activation();
    this.gated = config.dinov2().useSwigluFfn();
  }

  private static Tensor scale(Parameters p, VitConfig config) {
    return p.parameter(
        "lambda1",
        Shape.of(config.hiddenSize()),
        new Initializer.Constant(config.dinov2().layerScaleValue()));
  }

  private static Linear linear(Parameters p, int in, int out, boolean bias) {
    return new Linear(p, in, out, Vit.INITIALIZER, bias ? Initializer.zeros() : null);
  }

  /** {@code x [N, T, C] → [N, T, C]}. */
  @Override
  public Tensor forward(Tensor x) {
    return Recompute.block(in -> halves(in.get(0)), x);
  }

  private Tensor halves(Tensor x) {
    try (Range _ = x.device().range(name)) {
      return fed(attended(x));
    }
  }

  private Tensor attended(Tensor x) {
    Tensor y = before.forward(x);
    Tensor mixed =
        attention(split(query.forward(y)), split(key.forward(y)), split(value.forward(y)));
    return join(attended, reshape(mixed, x.dim(0), x.dim(1), x.dim(2)), scale1, x);
  }

  private Tensor fed(Tensor h) {
    return join(outer, expand(after.forward(h)), scale2, h);
  }

  /** The feed-forward up to its last layer, {@code [N, T, C] → [N, T, inner]}. */
  private Tensor expand(Tensor x) {
    if (!gated) {
      return inner.forward(x, activation);
    }
    Tensor both = inner.forward(x); // [N, T, 2 inner]
    int half = both.dim(2) / 2;
    return multiply(silu(slice(both, 2, 0, half)), slice(both, 2, half, half));
  }

  /** The end of a half: its last layer, scaled if the family does that, plus the residual. */
  private static Tensor join(Linear last, Tensor x, Tensor scale, Tensor residual) {
    return scale == null
        ? last.forwardAdd(x, residual)
        : add(multiply(last.forward(x), MixedPrecision.match(scale, x)), residual);
  }

  /** {@code [N, T, C] → [N, T, heads, C/heads]}. */
  private Tensor split(Tensor x) {
    return reshape(x, x.dim(0), x.dim(1), heads, x.dim(2) / heads);
  }
}
