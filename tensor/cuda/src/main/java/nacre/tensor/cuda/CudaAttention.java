package nacre.tensor.cuda;

import nacre.tensor.DType;
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
    if (served) {
      explanation.count("attention", "cuDNN");
    } else {
      kernels.attention(in, y, state);
      own("attention", in, 4);
    }
  }

  void attentionBackward(
      AttentionInputs in, Tensor y, Tensor dy, Tensor state, AttentionGradients out) {
    boolean served = serves(in) && library.attentionBackward(in, y, dy, state, out);
    if (served) {
      explanation.count("attentionBackward", "cuDNN");
    } else {
      kernels.attentionBackward(in, y, dy, state, out);
      own("attentionBackward", in, 10);
    }
  }

  /**
   * @param each multiplications and additions for each element of the scores and each of a head
   */
  private void own(String operation, AttentionInputs in, int each) {
    Tensor q = in.q();
    // cuDNN has no attention of f32 on any GPU, so there is nothing to be done about it.
    long flop = q.dtype() == DType.F32 ? 0 : each * q.elements() * in.k().dim(1);
    explanation.countOwn(operation, q.describe() + " and " + in.k().describe(), flop);
  }

  /** Only text encoders mask, and their few tokens are no work for either. */
  private static boolean serves(AttentionInputs in) {
    return !in.causal() && in.q().elements() > 0 && in.k().elements() > 0;
  }
}
