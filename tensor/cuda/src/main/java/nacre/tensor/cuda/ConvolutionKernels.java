package nacre.tensor.cuda;

import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.cuda.driver.FunctionTable;
import nacre.tensor.cuda.driver.Kernel;
import nacre.tensor.cuda.driver.KernelConstants;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/**
 * Convolutions for whatever cuDNN has no engine for: {@code convolution.cu}. Each is a matrix
 * product in tiles of 64 × 64 whose operands are gathered from the images.
 */
final class ConvolutionKernels {
  private static final String FILE = "convolution";
  private static final int TILE = KernelConstants.TILE_EDGE;

  private final Gpu gpu;
  private final ReductionKernels reductions;

  ConvolutionKernels(Gpu gpu, ReductionKernels reductions) {
    this.gpu = gpu;
    this.reductions = reductions;
  }

  void conv2d(Tensor x, Tensor w, Tensor bias, Tensor residual, Unary f, Window window, Tensor y) {
    if (y.elements() == 0) {
      return;
    }
    gpu.kernel(FILE, "conv2d", x.dtype())
        .launch(
            tiles(y.elements() / y.dim(3)),
            tiles(y.dim(3)),
            1,
            Kernel.THREADS,
            1,
            a ->
                a.address(x.address())
                    .address(w.address())
                    .address(bias == null ? 0 : bias.address())
                    .address(residual == null ? 0 : residual.address())
                    .address(y.address())
                    .ints(sizes(x.shape(), y.shape(), w.dim(1), w.dim(2), window))
                    .i32(FunctionTable.code(f)));
  }

  void inputGradient(Tensor dy, Tensor w, Window window, Tensor dx) {
    if (dx.elements() == 0) {
      return;
    }
    gpu.kernel(FILE, "conv2d_input_gradient", dy.dtype())
        .launch(
            tiles(dx.elements() / dx.dim(3)),
            tiles(dx.dim(3)),
            1,
            Kernel.THREADS,
            1,
            a ->
                a.address(dy.address())
                    .address(w.address())
                    .address(dx.address())
                    .ints(sizes(dx.shape(), dy.shape(), w.dim(1), w.dim(2), window)));
  }

  void weightGradient(Tensor x, Tensor dy, Window window, Tensor dw) {
    if (dw.elements() == 0) {
      return;
    }
    gpu.kernel(FILE, "conv2d_weight_gradient", x.dtype())
        .launch(
            tiles(dw.elements() / dw.dim(0)),
            tiles(dw.dim(0)),
            1,
            Kernel.THREADS,
            1,
            a ->
                a.address(x.address())
                    .address(dy.address())
                    .address(dw.address())
                    .ints(sizes(x.shape(), dy.shape(), dw.dim(1), dw.dim(2), window)));
  }

  void biasGradient(Tensor dy, Tensor db) {
    int o = dy.dim(3);
    reductions.columns(dy.address(), dy.dtype(), dy.elements() / o, o, db.address(), db.dtype());
  }

  private static long tiles(long n) {
    return ReductionKernels.ceil(n, TILE);
  }

  /** The structure {@code Conv} there: n, h, w, c, oh, ow, o, kh, kw, stride, top, left. */
  private static int[] sizes(Shape x, Shape y, int kh, int kw, Window window) {
    return new int[] {
      x.dim(0),
      x.dim(1),
      x.dim(2),
      x.dim(3),
      y.dim(1),
      y.dim(2),
      y.dim(3),
      kh,
      kw,
      window.stride(),
      window.top(),
      window.left()
    };
  }
}
