package nacre.tensor.cuda;

import nacre.tensor.Tensor;
import nacre.tensor.cuda.cudnn.CudnnLibrary;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/** Convolutions: by cuDNN wherever it has an engine, else by our own kernels. */
final class CudaConvolutions {
  private final CudnnLibrary library;
  private final ConvolutionKernels kernels;
  private final MatrixKernels matrices;
  private final Explanation explanation;

  CudaConvolutions(
      CudnnLibrary library,
      ConvolutionKernels kernels,
      MatrixKernels matrices,
      Explanation explanation) {
    this.library = library;
    this.kernels = kernels;
    this.matrices = matrices;
    this.explanation = explanation;
  }

  void conv2d(Tensor x, Tensor w, Tensor bias, Tensor residual, Unary f, Window window, Tensor y) {
    if (y.elements() == 0) {
      return;
    }
    boolean whole = residual == null || residual.shape().equals(y.shape());
    if (x.elements() > 0 && w.elements() > 0) {
      if (library.convolution(x, w, bias, residual, f, window, y)) {
        explanation.count("conv2d", "cuDNN");
        return;
      }
      boolean alone = bias == null && residual == null && f == null;
      if (!alone && library.convolution(x, w, null, null, null, window, y)) {
        matrices.finish(y, bias, residual, f);
        explanation.count("conv2d", "cuDNN, then finish");
        return;
      }
    }
    if (whole) {
      kernels.conv2d(x, w, bias, residual, f, window, y);
    } else {
      kernels.conv2d(x, w, null, null, null, window, y);
      matrices.finish(y, bias, residual, f);
    }
    own("conv2d", x, w, y);
  }

  void inputGradient(Tensor dy, Tensor w, Window window, Tensor dx) {
    if (dy.elements() > 0
        && dx.elements() > 0
        && library.convolutionInputGradient(dy, w, window, dx)) {
      explanation.count("conv2dInputGradient", "cuDNN");
    } else {
      kernels.inputGradient(dy, w, window, dx);
      own("conv2dInputGradient", dx, w, dy);
    }
  }

  void weightGradient(Tensor x, Tensor dy, Window window, Tensor dw, Tensor db) {
    if (dy.elements() > 0
        && dw.elements() > 0
        && library.convolutionWeightGradient(x, dy, window, dw)) {
      explanation.count("conv2dWeightGradient", "cuDNN");
    } else {
      kernels.weightGradient(x, dy, window, dw);
      own("conv2dWeightGradient", x, dw, dy);
    }
    if (db != null) {
      kernels.biasGradient(dy, db);
    }
  }

  private void own(String operation, Tensor x, Tensor w, Tensor y) {
    long flop = w.dim(0) == 0 ? 0 : 2 * y.elements() * (w.elements() / w.dim(0));
    explanation.countOwn(operation, x.describe() + " and " + w.describe(), flop);
  }
}
