package nacre.nn;

import static nacre.tensor.ops.Linear.linears;
import static nacre.tensor.ops.Reshape.reshape;
import static nacre.tensor.ops.ScaledDotProductAttention.attention;

import java.util.Locale;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Multi-head attention (Vaswani et al., 2017) under diffusers' names: {@code to_q}, {@code to_k},
 * {@code to_v}, {@code to_out.0}. Self-attention, or cross-attention to a context.
 */
public final class Attention implements Layer {
  private final Linear query;
  private final Linear key;
  private final Linear value;
  private final Linear out;
  private final int heads;
  private final int headWidth;

  /**
   * Attention as in the transformer blocks of a UNet: no bias on query, key and value.
   *
   * @param width of the query tokens, and of the result
   * @param contextWidth of the key and value tokens; {@code width} for self-attention
   */
  public Attention(Parameters p, int width, int contextWidth, int heads, int headWidth) {
    this(p, width, contextWidth, heads, headWidth, false);
  }

  /**
   * Attention with or without bias on query, key and value.
   *
   * @param width of the query tokens, and of the result
   * @param contextWidth of the key and value tokens; {@code width} for self-attention
   */
  public Attention(
      Parameters p, int width, int contextWidth, int heads, int headWidth, boolean bias) {
    int inner = Sizes.of("Attention", p).product("heads", heads, "headWidth", headWidth);
    this.query = new Linear(p.at("to_q"), width, inner, bias);
    this.key = new Linear(p.at("to_k"), contextWidth, inner, bias);
    this.value = new Linear(p.at("to_v"), contextWidth, inner, bias);
    this.out = new Linear(p.at("to_out").at(0), inner, width);
    this.heads = heads;
    this.headWidth = headWidth;
  }

  /** Self-attention: {@code x [N, T, width] → [N, T, width]}. */
  @Override
  public Tensor forward(Tensor x) {
    return forward(x, x);
  }

  /** {@code x [N, T, width], context [N, S, contextWidth] → [N, T, width]}. */
  public Tensor forward(Tensor x, Tensor context) {
    return forward(x, context, null);
  }

  /**
   * As {@link #forward(Tensor, Tensor)}, plus a residual of the result's shape in the same pass.
   *
   * @param residual nullable
   */
  public Tensor forward(Tensor x, Tensor context, Tensor residual) {
    return forward(x, AttentionContext.of(context), residual);
  }

  /**
   * The same with keys and values that the context may have kept.
   *
   * @param residual nullable
   */
  public Tensor forward(Tensor x, AttentionContext context, Tensor residual) {
    Tensor tokens = context.tokens();
    if (x.shape().rank() != 3 || tokens.shape().rank() != 3 || x.dim(0) != tokens.dim(0)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "Attention: input %s and context %s want shapes [N, T, width] and [N, S,"
                  + " contextWidth]",
              x.describe(),
              tokens.describe()));
    }
    int n = x.dim(0);
    int t = x.dim(1);
    Tensor q = heads(query.forward(x));
    var seen = context.of(this);
    Tensor mixed = attention(q, seen.keys(), seen.values());
    return out.forwardAdd(reshape(mixed, n, t, heads * headWidth), residual);
  }

  /**
   * Self-attention, with the one product for query, key and value that the context may {@linkplain
   * #keepStack have been given}.
   *
   * @param residual nullable
   */
  public Tensor forwardSelf(Tensor x, AttentionContext context, Tensor residual) {
    if (!(context.kept(this) instanceof Tensor stack) || x.tracked()) {
      return forward(x, x, residual);
    }
    return Scope.tidy(
        () -> {
          Tensor three = linears(x, stack); // [3, N, T, inner]
          Shape wanted = Shape.of(x.dim(0), x.dim(1), heads, headWidth);
          Tensor mixed =
              attention(
                  three.rows(0, 1).view(wanted),
                  three.rows(1, 2).view(wanted),
                  three.rows(2, 3).view(wanted));
          return out.forwardAdd(reshape(mixed, x.dim(0), x.dim(1), heads * headWidth), residual);
        });
  }

  /**
   * Gives a constant context the weights of query, key and value of this self-attention one below
   * the other, in the current scope, so that one product serves all three. Nothing where there are
   * biases or adapters, and on the host, where each weight is packed by itself.
   */
  public void keepStack(AttentionContext context) {
    if (!query.hasBias() && !context.tokens().device().isHost()) {
      Tensor below = Linear.below(context.tokens(), query, key, value);
      if (below != null) {
        context.keep(this, below.view(Shape.of(3, below.dim(0) / 3, below.dim(1))));
      }
    }
  }

  /** {@code [N, S, contextWidth] → [N, S, heads, head width]}, twice. */
  AttentionContext.KeysAndValues keysAndValues(Tensor context) {
    return new AttentionContext.KeysAndValues(
        heads(key.forward(context)), heads(value.forward(context)));
  }

  /** {@code [N, T, heads · head width] → [N, T, heads, head width]}. */
  private Tensor heads(Tensor x) {
    return reshape(x, x.dim(0), x.dim(1), heads, headWidth);
  }
}
