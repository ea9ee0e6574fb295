package nacre.tensor.cuda;

import nacre.tensor.Tensor;
import nacre.tensor.cuda.driver.Kernel;

/**
 * What is computed of rows of scores, one score a class: the largest, and the cross-entropy. {@code
 * classes.cu}, a warp a row.
 */
final class ClassKernels {
  private static final String FILE = "classes";
  private static final int WARPS = Kernel.THREADS / 32;

  private final Gpu gpu;
  private final ReductionKernels reductions;

  ClassKernels(Gpu gpu, ReductionKernels reductions) {
    this.gpu = gpu;
    this.reductions = reductions;
  }

  void argmax(Tensor x, Tensor y) {
    long rows = y.elements();
    if (rows > 0) {
      gpu.kernel(FILE, "argmax", x.dtype())
          .launch(
              ReductionKernels.ceil(rows, WARPS),
              Kernel.THREADS,
              a -> a.address(x.address()).address(y.address()).i64(rows).i32(x.dim(-1)));
    }
  }

  void crossEntropy(Tensor logits, Tensor targets, Tensor y) {
    long rows = targets.elements();
    gpu.scratch(
        Math.max(1, rows) * Float.BYTES,
        losses -> {
          if (rows > 0) {
            gpu.kernel(FILE, "cross_entropy_" + targets.dtype(), logits.dtype())
                .launch(
                    ReductionKernels.ceil(rows, WARPS),
                    Kernel.THREADS,
                    a ->
                        a.address(logits.address())
                            .address(targets.address())
                            .address(losses)
                            .i64(rows)
                            .i32(logits.dim(-1))
                            .address(gpu.faults().address()));
          }
          reductions.all(losses, rows, y.address(), 1.0 / rows);
        });
  }

  void crossEntropyBackward(Tensor logits, Tensor targets, Tensor dy, Tensor dx) {
    long rows = targets.elements();
    if (rows > 0) {
      gpu.kernel(FILE, "cross_entropy_backward_" + targets.dtype(), logits.dtype())
          .launch(
              ReductionKernels.ceil(rows, WARPS),
              Kernel.THREADS,
              a ->
                  a.address(logits.address())
                      .address(targets.address())
                      .address(dy.address())
                      .address(dx.address())
                      .i64(rows)
                      .i32(logits.dim(-1))
                      .f32(1.0 / rows)
                      .address(gpu.faults().address()));
    }
  }
}
