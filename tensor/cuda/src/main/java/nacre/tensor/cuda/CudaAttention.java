package nacre.tensor.cuda;

import nacre.tensor.Tensor;
import nacre.tensor.cuda.cudnn.CudnnLibrary;
import nacre.tensor.spi.AttentionGradients;
import nacre.tensor.spi.AttentionInputs;

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

  void attention(AttentionInputs in, Tensor y, Tensor state) {
    boolean served = serves(in) && library.attention(in, y, state);
    if (!served) {
      kernels.attention(in, y, state);
    }
    explanation.count("attention", served ? "cuDNN" : "own kernel");
  }

  void attentionBackward(
      AttentionInputs in, Tensor y, Tensor dy, Tensor state, AttentionGradients out) {
    boolean served = serves(in) && library.attentionBackward(in, y, dy, state, out);
    if (!served) {
      kernels.attentionBackward(in, y, dy, state, out);
    }
    explanation.count("attentionBackward", served ? "cuDNN" : "own kernel");
  }

  /** Only text encoders mask, and their few tokens are no work for either. */
  private static boolean serves(AttentionInputs in) {
    return !in.causal() && in.q().elements() > 0 && in.k().elements() > 0;
  }
}
