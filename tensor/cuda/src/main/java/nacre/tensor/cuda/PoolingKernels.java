package nacre.tensor.cuda;

import java.util.List;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Reduction;
import nacre.tensor.spi.Window;

/** The largest elements and the means of windows of images: {@code pool.cu}. */
final class PoolingKernels {
  private static final String FILE = "pool";

  private final Gpu gpu;

  PoolingKernels(Gpu gpu) {
    this.gpu = gpu;
  }

  void forward(Reduction r, Tensor x, int kernel, Window window, Tensor y) {
    launch(r == Reduction.MAX ? "max_pool" : "mean_pool", List.of(x, y), x, y, kernel, window);
  }

  void backward(Reduction r, Tensor x, int kernel, Window window, Tensor dy, Tensor dx) {
    if (r == Reduction.MAX) {
      launch("max_pool_backward", List.of(x, dy, dx), dx, dy, kernel, window);
    } else {
      launch("mean_pool_backward", List.of(dy, dx), dx, dy, kernel, window);
    }
  }

  /** The last of the tensors is written. */
  private void launch(
      String name, List<Tensor> tensors, Tensor image, Tensor pooled, int kernel, Window window) {
    Tensor to = tensors.getLast();
    if (to.elements() > 0) {
      gpu.kernel(FILE, name, to.dtype())
          .over(
              to.elements(),
              a -> {
                tensors.forEach(tensor -> a.address(tensor.address()));
                a.i32(image.dim(0))
                    .i32(image.dim(1))
                    .i32(image.dim(2))
                    .i32(image.dim(3))
                    .i32(pooled.dim(1))
                    .i32(pooled.dim(2))
                    .i32(kernel)
                    .i32(window.stride())
                    .i32(window.top())
                    .i32(window.left());
              });
    }
  }
}
