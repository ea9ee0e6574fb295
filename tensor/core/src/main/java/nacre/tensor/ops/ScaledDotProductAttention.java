package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.DType;
import nacre.tensor.Operation;
import nacre.tensor.Tensor;
import nacre.tensor.spi.AttentionGradients;
import nacre.tensor.spi.AttentionInputs;

/**
 * Attention of many heads without the matrix of weights in memory (Vaswani et al. 2017, eq. 1).
 * Inputs: q, k, v.
 *
 * @param scale factor of the scores
 * @param causal query t sees keys up to t only
 */
public record ScaledDotProductAttention(double scale, boolean causal) implements Operation {

  /** {@link #attention(Tensor, Tensor, Tensor, double, boolean)} with scale 1/√D, not causal. */
  public static Tensor attention(Tensor q, Tensor k, Tensor v) {
    Require.rank("attention", "query", q, 4, "[N, T, heads, D]");
    return attention(q, k, v, 1 / Math.sqrt(q.dim(3)), false);
  }

  /**
   * q {@code [N, T, heads, D]}, k and v {@code [N, S, heads, D]} → {@code [N, T, heads, D]}.
   *
   * @param scale factor of the scores
   * @param causal query t sees keys up to t only
   * @throws IllegalArgumentException if shapes, dtypes or devices do not fit
   */
  public static Tensor attention(Tensor q, Tensor k, Tensor v, double scale, boolean causal) {
    Require.alike("attention", q, k, v);
    Require.rank("attention", "query", q, 4, "[N, T, heads, D]");
    Require.rank("attention", "key", k, 4, "[N, S, heads, D]");
    if (!v.shape().equals(k.shape())) {
      throw new IllegalArgumentException(
          "attention: value " + v.describe() + " wants the shape of key " + k.describe());
    }
    if (!k.shape().with(1, q.dim(1)).equals(q.shape())) {
      throw new IllegalArgumentException(
          "attention: query "
              + q.describe()
              + " and key "
              + k.describe()
              + " may differ only in the second axis of [N, T, heads, D]");
    }
    return Operation.apply(new ScaledDotProductAttention(scale, causal), q, k, v);
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor q = in[0];
    Tensor k = in[1];
    Tensor v = in[2];
    Tensor y = q.like();
    AttentionInputs operands = new AttentionInputs(q, k, v, scale, causal);
    if (!context.recording()) {
      q.backend().attention(operands, y, null);
      return y;
    }
    try (Tensor state =
        Tensor.empty(q.device(), DType.F32, q.backend().attentionState(q.shape(), k.shape()))) {
      q.backend().attention(operands, y, state);
      context.save(q, k, v, y, state);
    }
    return y;
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    Tensor q = context.saved(0);
    Tensor k = context.saved(1);
    Tensor v = context.saved(2);
    AttentionGradients d = new AttentionGradients(q.like(), k.like(), v.like());
    dy.backend()
        .attentionBackward(
            new AttentionInputs(q, k, v, scale, causal), context.saved(3), dy, context.saved(4), d);
    return new Tensor[] {
      context.needs(0) ? d.dq() : null,
      context.needs(1) ? d.dk() : null,
      context.needs(2) ? d.dv() : null
    };
  }
}
