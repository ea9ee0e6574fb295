package nacre.tensor.oracle;

import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/** Convolution and both gradients, over kernels, strides and paddings as UNet, VAE and ViT use. */
final class ConvolutionCases {
  private record Size(int n, int h, int w, int in, int out, int kh, int kw, Window window) {
    int oh() {
      return window.outHeight(h, kh);
    }

    int ow() {
      return window.outWidth(w, kw);
    }
  }

  private static final Window DOWNSAMPLE = new Window(2, 0, 0, 1, 1);
  private static final Size[] SIZES = {
    new Size(1, 1, 1, 1, 1, 1, 1, Window.of(1, 0)),
    new Size(2, 5, 7, 3, 4, 1, 1, Window.of(1, 0)),
    new Size(2, 6, 7, 5, 4, 1, 1, Window.of(2, 0)),
    new Size(2, 9, 7, 4, 8, 3, 3, Window.of(1, 1)),
    new Size(1, 8, 8, 16, 16, 3, 3, Window.of(1, 1)),
    new Size(3, 6, 5, 3, 5, 3, 3, Window.of(2, 1)),
    new Size(2, 8, 6, 4, 6, 3, 3, DOWNSAMPLE),
    new Size(2, 7, 5, 4, 6, 3, 3, DOWNSAMPLE),
    new Size(1, 5, 6, 3, 2, 2, 3, new Window(1, 2, 0, 1, 3)),
    new Size(1, 5, 6, 3, 2, 3, 2, new Window(1, 0, 2, 0, 0)),
    new Size(2, 12, 8, 3, 10, 4, 4, Window.of(4, 0)),
    new Size(1, 14, 13, 3, 5, 4, 4, Window.of(4, 0)),
    new Size(1, 9, 10, 2, 3, 7, 5, Window.of(3, 2)),
    new Size(1, 2, 2, 2, 2, 3, 3, Window.of(1, 1)),
    new Size(2, 13, 12, 20, 33, 3, 3, Window.of(1, 1)),
    new Size(2, 4, 3, 40, 72, 3, 3, Window.of(1, 1)),
    new Size(1, 6, 7, 33, 65, 3, 3, Window.of(2, 1)),
    new Size(1, 5, 4, 24, 50, 3, 2, new Window(1, 0, 2, 1, 0)),
    new Size(2, 3, 3, 48, 32, 1, 1, Window.of(1, 0)),
    new Size(1, 20, 19, 32, 48, 3, 3, Window.of(1, 1)),
  };

  /** N, H, W, I, O. */
  private static final int[][] ENLARGED = {
    {1, 1, 1, 1, 1},
    {2, 3, 5, 4, 3},
    {1, 1, 7, 16, 8},
    {1, 17, 19, 33, 20},
    {2, 25, 24, 32, 48},
    {1, 33, 40, 20, 7}
  };

  private ConvolutionCases() {}

  static void addTo(List<OracleCase> cases) {
    for (DType dtype : ElementwiseCases.FLOATING) {
      for (Size s : SIZES) {
        forward(cases, dtype, s, false, false, null);
        forward(cases, dtype, s, true, false, null);
        forward(cases, dtype, s, true, true, null);
        forward(cases, dtype, s, false, true, Unary.RELU);
        forward(cases, dtype, s, true, false, Unary.SILU);
        shifted(cases, dtype, s);
        gradients(cases, dtype, s);
      }
      for (int[] s : ENLARGED) {
        enlarged(cases, dtype, s[0], s[1], s[2], s[3], s[4]);
      }
    }
  }

  private static void forward(
      List<OracleCase> cases, DType dtype, Size s, boolean bias, boolean residual, Unary f) {
    OracleCase c =
        OracleCase.of(
                "conv2d", dtype, s, bias ? "bias" : "", residual ? "residual" : "", "then " + f)
            .in(dtype, s.n, s.h, s.w, s.in)
            .in(dtype, weights(s), s.out, s.kh, s.kw, s.in);
    if (bias) {
      c.in(dtype, s.out);
    }
    if (residual) {
      c.in(dtype, s.n, s.oh(), s.ow(), s.out);
    }
    int atResidual = bias ? 3 : 2;
    int y = atResidual + (residual ? 1 : 0);
    c.out(dtype, s.n, s.oh(), s.ow(), s.out)
        .call(
            (backend, t) ->
                backend.conv2d(
                    t[0],
                    t[1],
                    bias ? t[2] : null,
                    residual ? t[atResidual] : null,
                    f,
                    s.window,
                    t[y]));
    cases.add(c);
  }

  private static void enlarged(
      List<OracleCase> cases, DType dtype, int n, int h, int w, int in, int out) {
    Values weights = Values.normal(0, 1 / Math.sqrt(in * 9));
    String size = n + "×" + h + "×" + w + "×" + in + " to " + out;
    cases.add(
        OracleCase.of("upsampleConv2d", dtype, size)
            .in(dtype, n, h, w, in)
            .in(dtype, weights, out, 3, 3, in)
            .in(dtype, out)
            .out(dtype, n, 2 * h, 2 * w, out)
            .call((backend, t) -> backend.upsampleConv2d(t[0], t[1], t[2], t[3])));
    cases.add(
        OracleCase.of("upsampleConv2d", dtype, size, "no bias")
            .in(dtype, n, h, w, in)
            .in(dtype, weights, out, 3, 3, in)
            .out(dtype, n, 2 * h, 2 * w, out)
            .call((backend, t) -> backend.upsampleConv2d(t[0], t[1], null, t[2])));
  }

  /** With a residual that is the same at every pixel. */
  private static void shifted(List<OracleCase> cases, DType dtype, Size s) {
    cases.add(
        OracleCase.of("conv2d", dtype, s, "bias", "shift")
            .in(dtype, s.n, s.h, s.w, s.in)
            .in(dtype, weights(s), s.out, s.kh, s.kw, s.in)
            .in(dtype, s.out)
            .in(dtype, s.n, 1, 1, s.out)
            .out(dtype, s.n, s.oh(), s.ow(), s.out)
            .call((backend, t) -> backend.conv2d(t[0], t[1], t[2], t[3], null, s.window, t[4])));
  }

  private static void gradients(List<OracleCase> cases, DType dtype, Size s) {
    cases.add(
        OracleCase.of("conv2dInputGradient", dtype, s)
            .in(dtype, s.n, s.oh(), s.ow(), s.out)
            .in(dtype, weights(s), s.out, s.kh, s.kw, s.in)
            .out(dtype, s.n, s.h, s.w, s.in)
            .call((backend, t) -> backend.conv2dInputGradient(t[0], t[1], s.window, t[2])));
    cases.add(
        OracleCase.of("conv2dWeightGradient", dtype, s)
            .in(dtype, s.n, s.h, s.w, s.in)
            .in(dtype, Values.normal(0.5, 1), s.n, s.oh(), s.ow(), s.out)
            .out(dtype, s.out, s.kh, s.kw, s.in)
            .out(dtype, s.out)
            .call((backend, t) -> backend.conv2dWeightGradient(t[0], t[1], s.window, t[2], t[3])));
    cases.add(
        OracleCase.of("conv2dWeightGradient", dtype, s, "no bias")
            .in(dtype, s.n, s.h, s.w, s.in)
            .in(dtype, s.n, s.oh(), s.ow(), s.out)
            .out(dtype, s.out, s.kh, s.kw, s.in)
            .call((backend, t) -> backend.conv2dWeightGradient(t[0], t[1], s.window, t[2], null)));
  }

  private static Values weights(Size s) {
    return Values.normal(0, 1 / Math.sqrt(s.in * s.kh * s.kw));
  }
}
