package nacre.tensor.cpu;

import java.util.Arrays;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.Worth;
import nacre.tensor.spi.Reduction;
import nacre.tensor.spi.Window;

/** The largest elements and the means of windows of channels-last images. */
final class Pooling {
  private final Team team;

  Pooling(Team team) {
    this.team = team;
  }

  /** First down the columns of a window's rows, then along the line that comes of it. */
  void forward(Reduction r, Tensor x, int kernel, Window window, Tensor y) {
    int h = x.dim(1);
    int w = x.dim(2);
    int c = x.dim(3);
    int oh = y.dim(1);
    int ow = y.dim(2);
    boolean max = r == Reduction.MAX;
    team.split(
        (long) y.dim(0) * oh,
        Worth.arithmetic(x.elements()),
        (from, to) -> {
          float[] in = Scratch.mine().floats(0, w * c);
          float[] line = Scratch.mine().floats(1, w * c);
          float[] out = Scratch.mine().floats(2, ow * c);
          for (long row = from; row < to; row++) {
            int begin = (int) (row % oh) * window.stride() - window.top();
            int top = Math.max(0, begin);
            int bottom = Math.min(h, begin + kernel);
            long first = row / oh * h;
            Tiles.load(x.address(), x.dtype(), (first + top) * w * c, line, 0, w * c);
            for (int i = top + 1; i < bottom; i++) {
              Tiles.load(x.address(), x.dtype(), (first + i) * w * c, in, 0, w * c);
              take(max, in, 0, line, 0, w * c);
            }
            for (int k = 0; k < ow; k++) {
              int start = k * window.stride() - window.left();
              int left = Math.max(0, start);
              int right = Math.min(w, start + kernel);
              System.arraycopy(line, left * c, out, k * c, c);
              for (int i = left + 1; i < right; i++) {
                take(max, line, i * c, out, k * c, c);
              }
              if (!max) {
                scale(1f / ((bottom - top) * (right - left)), out, k * c, c);
              }
            }
            Tiles.store(out, 0, y.address(), y.dtype(), row * ow * c, ow * c);
          }
        });
  }

  private static void take(boolean max, float[] x, int from, float[] y, int at, int n) {
    if (max) {
      for (int i = 0; i < n; i++) {
        y[at + i] = Math.max(y[at + i], x[from + i]);
      }
    } else {
      for (int i = 0; i < n; i++) {
        y[at + i] += x[from + i];
      }
    }
  }

  private static void scale(float k, float[] y, int at, int n) {
    for (int i = 0; i < n; i++) {
      y[at + i] *= k;
    }
  }

  /** Image by image, since windows overlap. */
  void backward(Reduction r, Tensor x, int kernel, Window window, Tensor dy, Tensor dx) {
    int size = dx.dim(1) * dx.dim(2) * dx.dim(3);
    int pooled = dy.dim(1) * dy.dim(2) * dy.dim(3);
    team.split(
        dx.dim(0),
        Worth.functions(dx.elements()),
        (from, to) -> {
          float[] image = Scratch.mine().floats(0, size);
          float[] g = Scratch.mine().floats(1, pooled);
          float[] sum = Scratch.mine().floats(2, size);
          for (long n = from; n < to; n++) {
            if (r == Reduction.MAX) {
              Tiles.load(x.address(), x.dtype(), n * size, image, 0, size);
            }
            Tiles.load(dy.address(), dy.dtype(), n * pooled, g, 0, pooled);
            Arrays.fill(sum, 0, size, 0);
            for (int row = 0; row < dy.dim(1); row++) {
              for (int k = 0; k < dy.dim(2); k++) {
                int begin = row * window.stride() - window.top();
                int start = k * window.stride() - window.left();
                Block block =
                    new Block(
                        Math.max(0, begin),
                        Math.min(dx.dim(1), begin + kernel),
                        Math.max(0, start),
                        Math.min(dx.dim(2), start + kernel),
                        dx.dim(2),
                        dx.dim(3));
                int at = (row * dy.dim(2) + k) * dx.dim(3);
                if (r == Reduction.MAX) {
                  block.toLargest(image, g, at, sum);
                } else {
                  block.toAll(g, at, sum);
                }
              }
            }
            Tiles.store(sum, 0, dx.address(), dx.dtype(), n * size, size);
          }
        });
  }

  /** The part of an image of {@code w} columns and {@code c} channels that a window covers. */
  private record Block(int top, int bottom, int left, int right, int w, int c) {
    void toAll(float[] g, int at, float[] sum) {
      float share = 1f / ((bottom - top) * (right - left));
      for (int i = top; i < bottom; i++) {
        for (int k = left; k < right; k++) {
          int to = (i * w + k) * c;
          for (int channel = 0; channel < c; channel++) {
            sum[to + channel] += share * g[at + channel];
          }
        }
      }
    }

    void toLargest(float[] image, float[] g, int at, float[] sum) {
      for (int channel = 0; channel < c; channel++) {
        int best = (top * w + left) * c + channel;
        for (int i = top; i < bottom; i++) {
          for (int k = left; k < right; k++) {
            int place = (i * w + k) * c + channel;
            if (image[place] > image[best] || Float.isNaN(image[place])) {
              best = place;
            }
          }
        }
        sum[best] += g[at + channel];
      }
    }
  }
}
