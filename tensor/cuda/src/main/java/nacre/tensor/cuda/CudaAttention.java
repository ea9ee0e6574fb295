package nacre.tensor.cuda;

import nacre.tensor.Tensor;
import nacre.tensor.cuda.cudnn.CudnnLibrary;

/** Attention: by cuDNN wherever it has an engine, else by our own kernels. */
final class CudaAttention {
  private final CudnnLibrary library;
  private final AttentionKernels kernels;
  private final Explanation explanation;

  CudaAttention(CudnnLibrary library, AttentionKernels kernels, Explanation explanation) {
    this.library = library;
    this.kernels = kernels;
    this.explanation = explanation;
  }

  void attention(
      Tensor q, Tensor k, Tensor v, double scale, boolean causal, Tensor y, Tensor state) {
    // Only text encoders mask, and their few tokens are no work for either.
    boolean served =
        !causal
            && q.elements() > 0
            && k.elements() > 0
            && library.attention(q, k, v, scale, y, state);
    if (!served) {
      kernels.attention(q, k, v, scale, causal, y, state);
    }
    explanation.count("attention", served ? "cuDNN" : "own kernel");
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
    boolean served =
        !causal
            && q.elements() > 0
            && k.elements() > 0
            && library.attentionBackward(q, k, v, y, dy, state, scale, dq, dk, dv);
    if (!served) {
      kernels.attentionBackward(q, k, v, y, dy, state, scale, causal, dq, dk, dv);
    }
    explanation.count("attentionBackward", served ? "cuDNN" : "own kernel");
  }
}
