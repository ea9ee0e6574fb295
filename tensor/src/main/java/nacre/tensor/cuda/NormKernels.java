package nacre.tensor.cuda;

import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.cuda.driver.Kernel;

/** GroupNorm (with SiLU) of images and LayerNorm of rows: {@code norm.cu}. */
final class NormKernels {
  private static final String FILE = "norm";
  private static final long FEWEST_PIXELS = 16;
  private static final long ROWS = 64;

  private final Card card;
  private final ReductionKernels reductions;

  NormKernels(Card card, ReductionKernels reductions) {
    this.card = card;
    this.reductions = reductions;
  }

  /** An image batch x [n, .., c] as these kernels see it, cut into chunks of pixels. */
  private record Image(int n, long pixels, int c, long chunk) {
    long chunks() {
      return ReductionKernels.ceil(pixels, chunk);
    }
  }

  private Image image(Tensor x) {
    int n = x.dim(0);
    int c = x.dim(-1);
    long pixels = x.elements() / ((long) n * c);
    long blocks = Math.max(1, 4L * card.device().multiprocessors() / n);
    return new Image(n, pixels, c, Math.max(FEWEST_PIXELS, ReductionKernels.ceil(pixels, blocks)));
  }

  void groupNorm(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      int groups,
      double eps,
      boolean silu,
      Tensor y,
      Tensor mean,
      Tensor rstd) {
    if (x.elements() == 0) {
      return;
    }
    Image i = image(x);
    card.scratch(
        3L * i.n * i.chunks() * groups * Float.BYTES,
        partial -> {
          card.kernel(FILE, "group_norm_partial", x.dtype())
              .launch(
                  i.chunks(),
                  i.n,
                  1,
                  Kernel.THREADS,
                  1,
                  a ->
                      a.address(x.address())
                          .address(partial)
                          .i32(i.n)
                          .i64(i.pixels)
                          .i32(i.c)
                          .i32(groups)
                          .i64(i.chunk));
          card.kernels()
              .get(FILE, "group_norm_finish")
              .over(
                  (long) i.n * groups,
                  a ->
                      a.address(partial)
                          .address(mean.address())
                          .address(rstd.address())
                          .i32(i.n)
                          .i32(groups)
                          .i32((int) i.chunks())
                          .f32(eps));
        });
    card.kernel(FILE, "group_norm_apply", x.dtype())
        .over(
            x.elements(),
            a ->
                a.address(x.address())
                    .address(gamma.address())
                    .address(beta.address())
                    .address(mean.address())
                    .address(rstd.address())
                    .address(y.address())
                    .i32(i.n)
                    .i64(i.pixels)
                    .i32(i.c)
                    .i32(groups)
                    .flag(silu));
  }

  void groupNormBackward(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      int groups,
      boolean silu,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    Image i = image(x);
    long columns = 2L * i.c;
    card.scratch(
        i.n * columns * Float.BYTES,
        sums -> {
          card.scratch(
              i.n * i.chunks() * columns * Float.BYTES,
              partial -> {
                card.kernel(FILE, "group_norm_backward_partial", x.dtype())
                    .launch(
                        i.chunks(),
                        i.n,
                        1,
                        Kernel.THREADS,
                        1,
                        a ->
                            a.address(x.address())
                                .address(gamma.address())
                                .address(beta.address())
                                .address(mean.address())
                                .address(rstd.address())
                                .address(dy.address())
                                .address(partial)
                                .i32(i.n)
                                .i64(i.pixels)
                                .i32(i.c)
                                .i32(groups)
                                .i64(i.chunk)
                                .flag(silu));
                reductions.middle(partial, i.n, i.chunks(), columns, sums);
              });
          card.scratch(
              columns * Float.BYTES,
              both -> {
                reductions.columns(sums, DType.F32, i.n, columns, both, DType.F32);
                copyOut(both, i.c, dbeta);
                copyOut(both + (long) i.c * Float.BYTES, i.c, dgamma);
              });
          card.kernel(FILE, "group_norm_backward_apply", x.dtype())
              .over(
                  x.elements(),
                  a ->
                      a.address(x.address())
                          .address(gamma.address())
                          .address(beta.address())
                          .address(mean.address())
                          .address(rstd.address())
                          .address(sums)
                          .address(dy.address())
                          .address(dx.address())
                          .i32(i.n)
                          .i64(i.pixels)
                          .i32(i.c)
                          .i32(groups)
                          .flag(silu));
        });
  }

  /** y [c] of its dtype = the f32 at an address. */
  private void copyOut(long from, int c, Tensor y) {
    card.kernels()
        .get("convert", "cast_f32_" + y.dtype())
        .over(c, a -> a.address(from).address(y.address()).i64(c));
  }

  void layerNorm(
      Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor rstd) {
    if (x.elements() == 0) {
      return;
    }
    int c = x.dim(-1);
    long rows = x.elements() / c;
    card.kernel(FILE, "layer_norm", x.dtype())
        .launch(
            rows,
            Kernel.THREADS,
            a ->
                a.address(x.address())
                    .address(gamma.address())
                    .address(beta.address())
                    .address(y.address())
                    .address(mean.address())
                    .address(rstd.address())
                    .i64(rows)
                    .i32(c)
                    .f32(eps));
  }

  void layerNormBackward(
      Tensor x,
      Tensor gamma,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    int c = x.dim(-1);
    long rows = x.elements() / c;
    card.kernel(FILE, "layer_norm_backward", x.dtype())
        .launch(
            rows,
            Kernel.THREADS,
            a ->
                a.address(x.address())
                    .address(gamma.address())
                    .address(mean.address())
                    .address(rstd.address())
                    .address(dy.address())
                    .address(dx.address())
                    .i64(rows)
                    .i32(c));
    long chunks = ReductionKernels.ceil(rows, ROWS);
    long half = chunks * c * Float.BYTES;
    card.scratch(
        2 * half,
        partial -> {
          card.kernel(FILE, "layer_norm_weights", x.dtype())
              .launch(
                  chunks,
                  Kernel.THREADS,
                  a ->
                      a.address(x.address())
                          .address(mean.address())
                          .address(rstd.address())
                          .address(dy.address())
                          .address(partial)
                          .i64(rows)
                          .i32(c)
                          .i64(ROWS));
          reductions.columns(partial, DType.F32, chunks, c, dgamma.address(), dgamma.dtype());
          reductions.columns(partial + half, DType.F32, chunks, c, dbeta.address(), dbeta.dtype());
        });
  }
}
