package nacre.tensor.cuda;

import nacre.tensor.Tensor;

/** Upsampling, means of blocks, crops and timestep embeddings: {@code resample.cu}. */
final class ResamplingKernels {
  private static final String FILE = "resample";

  private final Gpu gpu;

  ResamplingKernels(Gpu gpu) {
    this.gpu = gpu;
  }

  void upsampleNearest(Tensor x, int factor, Tensor y) {
    scale("upsample_nearest", x, y, x, factor);
  }

  void upsampleNearestBackward(Tensor dy, int factor, Tensor dx) {
    scale("upsample_nearest_backward", dy, dx, dx, factor);
  }

  void averagePool(Tensor x, int factor, Tensor y) {
    scale("average_pool", x, y, y, factor);
  }

  void averagePoolBackward(Tensor dy, int factor, Tensor dx) {
    scale("average_pool_backward", dy, dx, dy, factor);
  }

  /** Between {@code small} [n, h, w, c] and an image as many times larger as the factor says. */
  private void scale(String name, Tensor from, Tensor to, Tensor small, int factor) {
    if (to.elements() > 0) {
      gpu.kernel(FILE, name, to.dtype())
          .over(
              to.elements(),
              a ->
                  a.address(from.address())
                      .address(to.address())
                      .i32(small.dim(0))
                      .i32(small.dim(1))
                      .i32(small.dim(2))
                      .i32(small.dim(3))
                      .i32(factor));
    }
  }

  void cropResize(Tensor x, Tensor boxes, Tensor y) {
    crop("crop_resize", x, boxes, y, x, y);
  }

  void cropResizeBackward(Tensor dy, Tensor boxes, Tensor dx) {
    crop("crop_resize_backward", dy, boxes, dx, dx, dy);
  }

  private void crop(String name, Tensor from, Tensor boxes, Tensor to, Tensor image, Tensor crops) {
    if (to.elements() > 0) {
      gpu.kernel(FILE, name, to.dtype())
          .over(
              to.elements(),
              a ->
                  a.address(from.address())
                      .address(boxes.address())
                      .address(to.address())
                      .i32(image.dim(0))
                      .i32(image.dim(1))
                      .i32(image.dim(2))
                      .i32(image.dim(3))
                      .i32(crops.dim(1))
                      .i32(crops.dim(2))
                      .i32(crops.dim(3)));
    }
  }

  void sinusoids(Tensor t, boolean cosineFirst, double frequencyShift, double maxPeriod, Tensor y) {
    if (y.elements() > 0) {
      gpu.kernel(FILE, "timestep_embedding", y.dtype())
          .over(
              y.elements(),
              a ->
                  a.address(t.address())
                      .address(y.address())
                      .i32(y.dim(0))
                      .i32(y.dim(1))
                      .flag(cosineFirst)
                      .f32(frequencyShift)
                      .f32(maxPeriod));
    }
  }
}
