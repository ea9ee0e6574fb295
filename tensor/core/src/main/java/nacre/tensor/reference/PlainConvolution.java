package nacre.tensor.reference;

import static nacre.tensor.reference.Elements.read;
import static nacre.tensor.reference.Elements.write;

import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/** Convolution, as the sum over the pairs of input and output pixels that the kernel joins. */
final class PlainConvolution {
  /**
   * Takes offsets of a pixel of x [.., I], a pixel of y [.., O] and a kernel tap of w [O, .., I].
   */
  private interface Tap {
    void accept(int atX, int atY, int tap);
  }

  private PlainConvolution() {}

  static void forward(
      Tensor x, Tensor w, Tensor bias, Tensor residual, Unary f, Window window, Tensor y) {
    int in = x.dim(3);
    int out = y.dim(3);
    int taps = w.dim(1) * w.dim(2);
    double[] vx = read(x);
    double[] vw = read(w);
    double[] sum = new double[(int) y.elements()];
    forEachTap(
        x,
        y,
        w.dim(1),
        w.dim(2),
        window,
        (atX, atY, tap) -> {
          for (int o = 0; o < out; o++) {
            for (int i = 0; i < in; i++) {
              sum[atY + o] += vx[atX + i] * vw[(o * taps + tap) * in + i];
            }
          }
        });
    double[] vbias = bias == null ? new double[out] : read(bias);
    double[] rest = residual == null ? new double[sum.length] : read(residual);
    int perImage = sum.length / Math.max(1, y.dim(0));
    for (int i = 0; i < sum.length; i++) {
      int same = rest.length == sum.length ? i : i / perImage * out + i % out;
      sum[i] += vbias[i % out] + rest[same];
      sum[i] = f == null ? sum[i] : Functions.value(f, sum[i]);
    }
    write(sum, y);
  }

  static void inputGradient(Tensor dy, Tensor w, Window window, Tensor dx) {
    int in = dx.dim(3);
    int out = dy.dim(3);
    int taps = w.dim(1) * w.dim(2);
    double[] g = read(dy);
    double[] vw = read(w);
    double[] sum = new double[(int) dx.elements()];
    forEachTap(
        dx,
        dy,
        w.dim(1),
        w.dim(2),
        window,
        (atX, atY, tap) -> {
          for (int o = 0; o < out; o++) {
            for (int i = 0; i < in; i++) {
              sum[atX + i] += g[atY + o] * vw[(o * taps + tap) * in + i];
            }
          }
        });
    write(sum, dx);
  }

  static void weightGradient(Tensor x, Tensor dy, Window window, Tensor dw, Tensor db) {
    int in = x.dim(3);
    int out = dy.dim(3);
    int taps = dw.dim(1) * dw.dim(2);
    double[] vx = read(x);
    double[] g = read(dy);
    double[] sum = new double[(int) dw.elements()];
    forEachTap(
        x,
        dy,
        dw.dim(1),
        dw.dim(2),
        window,
        (atX, atY, tap) -> {
          for (int o = 0; o < out; o++) {
            for (int i = 0; i < in; i++) {
              sum[(o * taps + tap) * in + i] += g[atY + o] * vx[atX + i];
            }
          }
        });
    write(sum, dw);
    if (db != null) {
      double[] bias = new double[out];
      for (int i = 0; i < g.length; i++) {
        bias[i % out] += g[i];
      }
      write(bias, db);
    }
  }

  private static void forEachTap(Tensor x, Tensor y, int kh, int kw, Window window, Tap tap) {
    int h = x.dim(1);
    int w = x.dim(2);
    int oh = y.dim(1);
    int ow = y.dim(2);
    for (int n = 0; n < x.dim(0); n++) {
      for (int r = 0; r < oh; r++) {
        for (int c = 0; c < ow; c++) {
          int atY = ((n * oh + r) * ow + c) * y.dim(3);
          for (int i = 0; i < kh; i++) {
            for (int j = 0; j < kw; j++) {
              int row = r * window.stride() + i - window.top();
              int column = c * window.stride() + j - window.left();
              if (row >= 0 && row < h && column >= 0 && column < w) {
                tap.accept(((n * h + row) * w + column) * x.dim(3), atY, i * kw + j);
              }
            }
          }
        }
      }
    }
  }
}
