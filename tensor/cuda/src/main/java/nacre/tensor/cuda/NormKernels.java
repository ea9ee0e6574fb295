package nacre.tensor.cuda;

import java.util.function.Consumer;
import nacre.tensor.Tensor;
import nacre.tensor.cuda.driver.Arguments;
import nacre.tensor.cuda.driver.Kernel;
import nacre.tensor.cuda.driver.KernelConstants;
import nacre.tensor.spi.GroupNormInputs;
import nacre.tensor.spi.LayerNormInputs;
import nacre.tensor.spi.NormGradients;
import nacre.tensor.spi.NormStatistics;

/**
 * GroupNorm (with SiLU) of images, {@code group_norm.cu}, and LayerNorm of rows, {@code rows.cu}.
 */
final class NormKernels {
  private static final String GROUPS = "group_norm";
  private static final String ROWS = "rows";
  private static final long FEWEST_PIXELS = 16;
  private static final long LEAST_ROWS = 64; // that a block adds up
  private static final int WARPS = Kernel.THREADS / 32; // a warp serves a row

  private final Gpu gpu;
  private final ReductionKernels reductions;

  NormKernels(Gpu gpu, ReductionKernels reductions) {
    this.gpu = gpu;
    this.reductions = reductions;
  }

  /** An image batch x [n, .., c] as these kernels see it, cut into chunks of pixels. */
  private record Image(int n, long pixels, int c, long chunk) {
    long chunks() {
      return ReductionKernels.ceil(pixels, chunk);
    }
  }

  /**
   * Groups that a block takes together, so that each pixel of theirs is a whole number of packs.
   */
  private record Whole(int pixels, int together, int sharedBytes) {
    private static final int THREADS = KernelConstants.GROUP_THREADS;

    /** Of one block. With the sums it is below the 99 KiB that every GPU has. */
    private static final long MOST_BYTES = 80 << 10;

    private static final int PACK = 16; // bytes

    /** Null where an image's groups are too large for one block. */
    static Whole of(Tensor x, int groups) {
      int c = x.dim(-1);
      int width = c / groups;
      int bytes = x.dtype().bytes();
      long pixels = x.elements() / ((long) x.dim(0) * c);
      int together = 1;
      if (c * bytes % PACK == 0) {
        while (together * width * bytes % PACK != 0) {
          together++;
        }
      }
      long kept = pixels * together * width * bytes;
      if (kept > MOST_BYTES || together * width > THREADS) {
        return null;
      }
      // A thread counts for a pack of channels, and all threads for the channels of whole pixels.
      int sums = THREADS * (PACK / bytes) * Float.BYTES;
      int shared = (int) (kept + PACK - 1) / PACK * PACK + sums + together * Float.BYTES;
      return new Whole((int) pixels, together, shared);
    }
  }

  /**
   * Cuts images for the whole GPU.
   *
   * @param resident blocks that a multiprocessor has room for, so that all run at once
   */
  private Image image(Tensor x, int resident) {
    int n = x.dim(0);
    int c = x.dim(-1);
    long pixels = x.elements() / ((long) n * c);
    long blocks = Math.max(1, (long) resident * gpu.device().multiprocessors() / n);
    return new Image(n, pixels, c, Math.max(FEWEST_PIXELS, ReductionKernels.ceil(pixels, blocks)));
  }

  void groupNorm(GroupNormInputs in, Tensor y, NormStatistics statistics) {
    Whole whole = in.x().elements() == 0 ? null : Whole.of(in.x(), in.groups());
    if (whole != null) {
      whole(in, whole, y, statistics);
      return;
    }
    groupNormStatistics(in.x(), in.groups(), in.eps(), statistics);
    groupNormApply(in, statistics, y);
  }

  void groupNormStatistics(Tensor x, int groups, double eps, NormStatistics statistics) {
    if (x.elements() == 0) {
      return;
    }
    Image i = image(x, 4);
    gpu.scratch(
        2L * i.n * i.chunks() * groups * Float.BYTES,
        partial ->
            launch(
                "group_norm_statistics",
                x,
                i,
                sums(i),
                a ->
                    a.address(x.address())
                        .address(partial)
                        .address(statistics.mean().address())
                        .address(statistics.rstd().address())
                        .address(gpu.tickets().address())
                        .i64(i.pixels)
                        .i32(i.c)
                        .i32(groups)
                        .i64(i.chunk)
                        .f32(eps)));
  }

  void groupNormApply(GroupNormInputs in, NormStatistics statistics, Tensor y) {
    Tensor x = in.x();
    if (x.elements() == 0) {
      return;
    }
    Image i = image(x, 4);
    launch(
        "group_norm_apply",
        x,
        i,
        0,
        a ->
            a.address(x.address())
                .address(in.gamma().address())
                .address(in.beta().address())
                .address(statistics.mean().address())
                .address(statistics.rstd().address())
                .address(y.address())
                .i64(i.pixels)
                .i32(i.c)
                .i32(in.groups())
                .i64(i.chunk)
                .flag(in.silu()));
  }

  /** The whole of GroupNorm in one launch. */
  private void whole(GroupNormInputs in, Whole whole, Tensor y, NormStatistics statistics) {
    Tensor x = in.x();
    gpu.kernel(GROUPS, "group_norm_whole", x.dtype())
        .launch(
            ReductionKernels.ceil(in.groups(), whole.together),
            x.dim(0),
            1,
            Whole.THREADS,
            1,
            whole.sharedBytes,
            a ->
                a.address(x.address())
                    .address(in.gamma().address())
                    .address(in.beta().address())
                    .address(statistics.mean().address())
                    .address(statistics.rstd().address())
                    .address(y.address())
                    .i32(whole.pixels)
                    .i32(x.dim(-1))
                    .i32(in.groups())
                    .i32(whole.together)
                    .f32(in.eps())
                    .flag(in.silu()));
  }

  /** One of GroupNorm's kernels: a block for each chunk of each image. */
  private void launch(
      String name, Tensor x, Image i, int sharedBytes, Consumer<Arguments> arguments) {
    gpu.kernel(GROUPS, name, x.dtype())
        .launch(i.chunks(), i.n, 1, Kernel.THREADS, 1, sharedBytes, arguments);
  }

  /** What a block needs to add up two numbers for each channel. */
  private static int sums(Image i) {
    return 2 * Float.BYTES * Math.max(i.c, 8 * Kernel.THREADS);
  }

  void groupNormBackward(
      GroupNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out) {
    Tensor x = in.x();
    int groups = in.groups();
    Image i = image(x, 2);
    long sums = 2L * i.n * i.c * Float.BYTES;
    long means = 2L * i.n * groups * Float.BYTES;
    gpu.scratch(
        sums * (1 + i.chunks()) + means,
        scratch -> {
          long meansAt = scratch + sums * (1 + i.chunks());
          launch(
              "group_norm_backward_sums",
              x,
              i,
              sums(i),
              a ->
                  a.address(x.address())
                      .address(in.gamma().address())
                      .address(in.beta().address())
                      .address(statistics.mean().address())
                      .address(statistics.rstd().address())
                      .address(dy.address())
                      .address(scratch + sums)
                      .address(scratch)
                      .address(meansAt)
                      .address(gpu.tickets().address())
                      .i64(i.pixels)
                      .i32(i.c)
                      .i32(groups)
                      .i64(i.chunk)
                      .flag(in.silu()));
          launch(
              "group_norm_backward_apply",
              x,
              i,
              0,
              a ->
                  a.address(x.address())
                      .address(in.gamma().address())
                      .address(in.beta().address())
                      .address(statistics.mean().address())
                      .address(statistics.rstd().address())
                      .address(dy.address())
                      .address(scratch)
                      .address(meansAt)
                      .address(out.dx().address())
                      .address(out.dgamma().address())
                      .address(out.dbeta().address())
                      .i64(i.pixels)
                      .i32(i.c)
                      .i32(groups)
                      .i64(i.chunk)
                      .flag(in.silu()));
        });
  }

  void layerNorm(LayerNormInputs in, Tensor y, NormStatistics statistics) {
    Tensor x = in.x();
    if (x.elements() == 0) {
      return;
    }
    int c = x.dim(-1);
    long rows = x.elements() / c;
    gpu.kernel(ROWS, "layer_norm", x.dtype())
        .launch(
            ReductionKernels.ceil(rows, WARPS),
            Kernel.THREADS,
            a ->
                a.address(x.address())
                    .address(in.gamma().address())
                    .address(in.beta().address())
                    .address(y.address())
                    .address(statistics.mean().address())
                    .address(statistics.rstd().address())
                    .i64(rows)
                    .i32(c)
                    .f32(in.eps()));
  }

  void layerNormBackward(
      LayerNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out) {
    Tensor x = in.x();
    Tensor dgamma = out.dgamma();
    Tensor dbeta = out.dbeta();
    int c = x.dim(-1);
    long rows = x.elements() / c;
    gpu.kernel(ROWS, "layer_norm_backward", x.dtype())
        .launch(
            ReductionKernels.ceil(rows, WARPS),
            Kernel.THREADS,
            a ->
                a.address(x.address())
                    .address(in.gamma().address())
                    .address(statistics.mean().address())
                    .address(statistics.rstd().address())
                    .address(dy.address())
                    .address(out.dx().address())
                    .i64(rows)
                    .i32(c));
    // Blocks for the whole GPU, and no more: the sums that they leave are added up by few blocks.
    long across = ReductionKernels.ceil(c, KernelConstants.WEIGHT_COLUMNS);
    long fill = ReductionKernels.ceil(rows * across, 4L * gpu.device().multiprocessors());
    long chunk = Math.max(LEAST_ROWS, fill);
    long chunks = ReductionKernels.ceil(rows, chunk);
    gpu.scratch(
        2 * chunks * c * Float.BYTES,
        partial ->
            gpu.kernel(ROWS, "layer_norm_weights", x.dtype())
                .launch(
                    across,
                    chunks,
                    1,
                    Kernel.THREADS,
                    1,
                    a ->
                        a.address(x.address())
                            .address(statistics.mean().address())
                            .address(statistics.rstd().address())
                            .address(dy.address())
                            .address(partial)
                            .address(dgamma.address())
                            .address(dbeta.address())
                            .address(gpu.tickets().address())
                            .i64(rows)
                            .i32(c)
                            .i64(chunk)));
  }
}
