package nacre.tensor.cuda;

import nacre.tensor.Tensor;
import nacre.tensor.cuda.driver.Arguments;
import nacre.tensor.cuda.driver.Kernel;

/**
 * Softmax ({@code rows.cu}), and attention for whatever cuDNN has no engine for ({@code
 * attention.cu}): any number of tokens, heads of up to 512.
 */
final class AttentionKernels {
  private static final String FILE = "attention";
  private static final int WARPS = Kernel.THREADS / 32; // in a block; each serves a row or more
  private static final int[] HEAD_SIZES = {64, 128, 256, 512}; // that kernels were built for
  private static final int TILE = 32; // rows of the other side, at a time in shared memory

  private final Gpu card;

  AttentionKernels(Gpu card) {
    this.card = card;
  }

  /** The kernel that was built for heads as large as q's. */
  private Kernel kernel(String name, Tensor q) {
    return card.kernels().get(FILE, name + "_" + q.dtype() + "_" + headSize(q));
  }

  private static int headSize(Tensor q) {
    int d = q.dim(3);
    for (int size : HEAD_SIZES) {
      if (d <= size) {
        return size;
      }
    }
    throw new IllegalArgumentException(
        "attention: q %s has heads of %d, and the card's kernels take at most 512"
            .formatted(q.describe(), d));
  }

  /** Rows of its own side that a block keeps in shared memory, of which some cards have 99 KiB. */
  private static int rows(Tensor q) {
    return WARPS * (headSize(q) <= 256 ? 4 : 1);
  }

  void attention(
      Tensor q, Tensor k, Tensor v, double scale, boolean causal, Tensor y, Tensor state) {
    if (y.elements() == 0) {
      return;
    }
    int rows = rows(q);
    kernel("attention", q)
        .launch(
            ReductionKernels.ceil(q.dim(1), rows),
            q.dim(2),
            q.dim(0),
            Kernel.THREADS,
            1,
            (rows + TILE) * (q.dim(3) + 1) * Float.BYTES,
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
    int rows = rows(q);
    int shared = (2 * rows + TILE) * (q.dim(3) + 1) * Float.BYTES;
    card.scratch(
        state.bytes(),
        delta -> {
          card.kernel(FILE, "attention_delta", q.dtype())
              .launch(
                  ReductionKernels.ceil(state.elements(), WARPS),
                  Kernel.THREADS,
                  a ->
                      a.address(y.address())
                          .address(dy.address())
                          .address(delta)
                          .i32(q.dim(0))
                          .i32(q.dim(1))
                          .i32(q.dim(2))
                          .i32(q.dim(3)));
          kernel("attention_backward_query", q)
              .launch(
                  ReductionKernels.ceil(q.dim(1), rows),
                  q.dim(2),
                  q.dim(0),
                  Kernel.THREADS,
                  1,
                  shared,
                  a ->
                      sizes(operands(a, q, k, v, dy, state, delta).address(dq.address()), q, k)
                          .f32(scale)
                          .flag(causal));
          kernel("attention_backward_key", q)
              .launch(
                  ReductionKernels.ceil(k.dim(1), rows),
                  q.dim(2),
                  q.dim(0),
                  Kernel.THREADS,
                  1,
                  shared,
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
      card.kernel("rows", "softmax", x.dtype())
          .launch(
              ReductionKernels.ceil(rows, WARPS),
              Kernel.THREADS,
              a -> a.address(x.address()).address(y.address()).i64(rows).i32(c));
    }
  }

  void softmaxBackward(Tensor y, Tensor dy, Tensor dx) {
    if (y.elements() > 0) {
      int c = y.dim(-1);
      long rows = y.elements() / c;
      card.kernel("rows", "softmax_backward", y.dtype())
          .launch(
              ReductionKernels.ceil(rows, WARPS),
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
