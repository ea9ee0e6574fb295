package nacre.tensor.cuda;

import java.util.Locale;
import nacre.tensor.Tensor;
import nacre.tensor.cuda.driver.Arguments;
import nacre.tensor.cuda.driver.Kernel;
import nacre.tensor.cuda.driver.KernelConstants;
import nacre.tensor.spi.AttentionGradients;
import nacre.tensor.spi.AttentionInputs;

/**
 * Softmax ({@code rows.cu}), and attention for whatever cuDNN has no engine for ({@code
 * attention.cu}): any number of tokens, heads of up to 512.
 */
final class AttentionKernels {
  private static final String FILE = "attention";
  private static final int WARPS = Kernel.THREADS / 32; // in a block; each serves a row or more
  private static final int[] HEAD_SIZES = {64, 128, 256, 512}; // that kernels were built for
  private static final int TILE = KernelConstants.ATTENTION_ROWS; // of the other side

  private final Gpu gpu;

  AttentionKernels(Gpu gpu) {
    this.gpu = gpu;
  }

  /** The kernel that was built for heads as large as q's. */
  private Kernel kernel(String name, Tensor q) {
    return gpu.kernels().get(FILE, name + "_" + q.dtype() + "_" + headSize(q));
  }

  private static int headSize(Tensor q) {
    int d = q.dim(3);
    for (int size : HEAD_SIZES) {
      if (d <= size) {
        return size;
      }
    }
    throw new IllegalArgumentException(
        String.format(
            Locale.ROOT,
            "attention: q %s has heads of %d, and the GPU's kernels take at most 512",
            q.describe(),
            d));
  }

  /** Rows of its own side that a block keeps in shared memory, of which some GPUs have 99 KiB. */
  private static int rows(Tensor q) {
    return WARPS * (headSize(q) <= 256 ? 4 : 1);
  }

  void attention(AttentionInputs in, Tensor y, Tensor state) {
    Tensor q = in.q();
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
                settings(
                    a.address(q.address())
                        .address(in.k().address())
                        .address(in.v().address())
                        .address(y.address())
                        .address(state == null ? 0 : state.address()),
                    in));
  }

  void attentionBackward(
      AttentionInputs in, Tensor y, Tensor dy, Tensor state, AttentionGradients out) {
    Tensor q = in.q();
    Tensor k = in.k();
    if (q.elements() == 0 || k.elements() == 0) {
      return;
    }
    int rows = rows(q);
    int shared = (2 * rows + TILE) * (q.dim(3) + 1) * Float.BYTES;
    gpu.scratch(
        state.bytes(),
        delta -> {
          gpu.kernel(FILE, "attention_delta", q.dtype())
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
                  a -> settings(operands(a, in, dy, state, delta).address(out.dq().address()), in));
          kernel("attention_backward_key", q)
              .launch(
                  ReductionKernels.ceil(k.dim(1), rows),
                  q.dim(2),
                  q.dim(0),
                  Kernel.THREADS,
                  1,
                  shared,
                  a ->
                      settings(
                          operands(a, in, dy, state, delta)
                              .address(out.dk().address())
                              .address(out.dv().address()),
                          in));
        });
  }

  private static Arguments operands(
      Arguments a, AttentionInputs in, Tensor dy, Tensor state, long delta) {
    return a.address(in.q().address())
        .address(in.k().address())
        .address(in.v().address())
        .address(dy.address())
        .address(state.address())
        .address(delta);
  }

  /** Batch, queries, keys, heads, head size, scale and whether it is causal. */
  private static Arguments settings(Arguments a, AttentionInputs in) {
    Tensor q = in.q();
    return a.i32(q.dim(0))
        .i32(q.dim(1))
        .i32(in.k().dim(1))
        .i32(q.dim(2))
        .i32(q.dim(3))
        .f32(in.scale())
        .flag(in.causal());
  }

  void softmax(Tensor x, Tensor y) {
    if (x.elements() > 0) {
      int c = x.dim(-1);
      long rows = x.elements() / c;
      gpu.kernel("rows", "softmax", x.dtype())
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
      gpu.kernel("rows", "softmax_backward", y.dtype())
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
