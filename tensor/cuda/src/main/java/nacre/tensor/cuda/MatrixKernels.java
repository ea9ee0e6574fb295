package nacre.tensor.cuda;

import nacre.tensor.Tensor;
import nacre.tensor.cuda.driver.FunctionTable;
import nacre.tensor.cuda.driver.Kernel;
import nacre.tensor.cuda.driver.KernelConstants;
import nacre.tensor.spi.Unary;

/**
 * Matrix products for whatever cuBLASLt refuses, and what its epilogues lack: {@code matmul.cu}.
 */
final class MatrixKernels {
  private static final String FILE = "matmul";
  private static final int TILE = KernelConstants.TILE_EDGE;

  private final Gpu gpu;

  MatrixKernels(Gpu gpu) {
    this.gpu = gpu;
  }

  void matmul(Product p, Tensor a, Tensor b, Tensor bias, Unary f, Tensor y) {
    gpu.kernel(FILE, "matmul", y.dtype())
        .launch(
            ReductionKernels.ceil(p.n(), TILE),
            ReductionKernels.ceil(p.m(), TILE),
            p.batch(),
            Kernel.THREADS,
            1,
            args ->
                args.address(a.address())
                    .address(b.address())
                    .address(bias == null ? 0 : bias.address())
                    .address(y.address())
                    .i32(p.batch())
                    .i32(p.m())
                    .i32(p.n())
                    .i32(p.k())
                    .flag(p.transposeA())
                    .flag(p.transposeB())
                    .i64(p.sharedB() ? 0 : (long) p.k() * p.n())
                    .i32(FunctionTable.code(f)));
  }

  /**
   * y = f(y + bias + residual) in place; what is null is left out.
   *
   * @param residual of y's shape, or [N, 1, 1, O] for the same at every pixel
   */
  void finish(Tensor y, Tensor bias, Tensor residual, Unary f) {
    long n = y.elements();
    int c = y.dim(-1);
    long repeat = residual == null ? 1 : n / residual.elements();
    gpu.kernel(FILE, "finish", y.dtype())
        .over(
            n,
            a ->
                a.address(y.address())
                    .address(bias == null ? 0 : bias.address())
                    .address(residual == null ? 0 : residual.address())
                    .i64(n / c)
                    .i32(c)
                    .i64(repeat)
                    .i32(FunctionTable.code(f)));
  }
}
