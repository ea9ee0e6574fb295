package nacre.tensor.cuda;

import nacre.tensor.Tensor;
import nacre.tensor.cuda.driver.Arguments;
import nacre.tensor.cuda.driver.Kernel;

/**
 * Softmax, and attention for whatever cuDNN has no engine for: {@code attention.cu}. A warp serves
 * a query (or, for the gradients of keys and values, a key), so any head size and number of tokens
 * will do.
 */
final class AttentionKernels {
  private static final String FILE = "attention";
  private static final int WARPS = 4;

  private final Card card;

  AttentionKernels(Card card) {
    this.card = card;
  }

  void attention(
      Tensor q, Tensor k, Tensor v, double scale, boolean causal, Tensor y, Tensor state) {
    if (y.elements() == 0) {
      return;
    }
    card.kernel(FILE, "attention", q.dtype())
        .launch(
            ReductionKernels.ceil(q.dim(1), WARPS),
            q.dim(2),
            q.dim(0),
            32 * WARPS,
            1,
            a ->
                sizes(
                        a.address(q.address())
                            .address(k.address())
                            .address(v.address())
                            .address(y.address())
                            .address(state == null ? 0 : state.address()),
                        q,
                        k)
                    .f32(scale)
                    .flag(causal));
  }

  void attentionBackward(
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor y,
      Tensor dy,
      Tensor state,
      double scale,
      boolean causal,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    if (q.elements() == 0 || k.elements() == 0) {
      return;
    }
    card.scratch(
        state.bytes(),
        delta -> {
          card.kernel(FILE, "attention_delta", q.dtype())
              .launch(
                  ReductionKernels.ceil(q.dim(1), WARPS),
                  q.dim(2),
                  q.dim(0),
                  32 * WARPS,
                  1,
                  a ->
                      a.address(y.address())
                          .address(dy.address())
                          .address(delta)
                          .i32(q.dim(0))
                          .i32(q.dim(1))
                          .i32(q.dim(2))
                          .i32(q.dim(3)));
          card.kernel(FILE, "attention_backward_query", q.dtype())
              .launch(
                  ReductionKernels.ceil(q.dim(1), WARPS),
                  q.dim(2),
                  q.dim(0),
                  32 * WARPS,
                  1,
                  a ->
                      sizes(operands(a, q, k, v, dy, state, delta).address(dq.address()), q, k)
                          .f32(scale)
                          .flag(causal));
          card.kernel(FILE, "attention_backward_key", q.dtype())
              .launch(
                  ReductionKernels.ceil(k.dim(1), WARPS),
                  q.dim(2),
                  q.dim(0),
                  32 * WARPS,
                  1,
                  a ->
                      sizes(
                              operands(a, q, k, v, dy, state, delta)
                                  .address(dk.address())
                                  .address(dv.address()),
                              q,
                              k)
                          .f32(scale)
                          .flag(causal));
        });
  }

  private static Arguments operands(
      Arguments a, Tensor q, Tensor k, Tensor v, Tensor dy, Tensor state, long delta) {
    return a.address(q.address())
        .address(k.address())
        .address(v.address())
        .address(dy.address())
        .address(state.address())
        .address(delta);
  }

  /** Batch, queries, keys, heads, head size. */
  private static Arguments sizes(Arguments a, Tensor q, Tensor k) {
    return a.i32(q.dim(0)).i32(q.dim(1)).i32(k.dim(1)).i32(q.dim(2)).i32(q.dim(3));
  }

  void softmax(Tensor x, Tensor y) {
    if (x.elements() > 0) {
      int c = x.dim(-1);
      long rows = x.elements() / c;
      card.kernel(FILE, "softmax", x.dtype())
          .launch(
              rows,
              Kernel.THREADS,
              a -> a.address(x.address()).address(y.address()).i64(rows).i32(c));
    }
  }

  void softmaxBackward(Tensor y, Tensor dy, Tensor dx) {
    if (y.elements() > 0) {
      int c = y.dim(-1);
      long rows = y.elements() / c;
      card.kernel(FILE, "softmax_backward", y.dtype())
          .launch(
              rows,
              Kernel.THREADS,
              a ->
                  a.address(y.address())
                      .address(dy.address())
                      .address(dx.address())
                      .i64(rows)
                      .i32(c));
    }
  }
}
