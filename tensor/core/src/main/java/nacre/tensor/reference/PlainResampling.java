package nacre.tensor.reference;

import static nacre.tensor.reference.Elements.read;
import static nacre.tensor.reference.Elements.write;

import nacre.tensor.Tensor;

/** Images made larger and smaller, and the sinusoids of timesteps. */
final class PlainResampling {
  private static final double SHORTEST_BOX = 1e-6;

  private PlainResampling() {}

  static void upsampleNearest(Tensor x, int factor, Tensor y) {
    double[] v = read(x);
    int[] source = blocks(x, factor);
    double[] out = new double[source.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = v[source[i]];
    }
    write(out, y);
  }

  static void upsampleNearestBackward(Tensor dy, int factor, Tensor dx) {
    write(sumBlocks(dy, factor, dx), dx);
  }

  static void averagePool(Tensor x, int factor, Tensor y) {
    double[] sum = sumBlocks(x, factor, y);
    for (int i = 0; i < sum.length; i++) {
      sum[i] /= factor * factor;
    }
    write(sum, y);
  }

  static void averagePoolBackward(Tensor dy, int factor, Tensor dx) {
    double[] g = read(dy);
    int[] source = blocks(dy, factor);
    double[] out = new double[source.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = g[source[i]] / (factor * factor);
    }
    write(out, dx);
  }

  private static double[] sumBlocks(Tensor large, int factor, Tensor small) {
    double[] v = read(large);
    int[] target = blocks(small, factor);
    double[] sum = new double[(int) small.elements()];
    for (int i = 0; i < v.length; i++) {
      sum[target[i]] += v[i];
    }
    return sum;
  }

  /** For each element of the image {@code factor} times as large, the element of the small one. */
  private static int[] blocks(Tensor small, int factor) {
    int h = small.dim(1);
    int w = small.dim(2);
    int c = small.dim(3);
    int[] places = new int[(int) small.elements() * factor * factor];
    for (int i = 0; i < places.length; i++) {
      int column = i / c % (w * factor) / factor;
      int row = i / c / (w * factor) % (h * factor) / factor;
      int image = i / c / (w * factor) / (h * factor);
      places[i] = ((image * h + row) * w + column) * c + i % c;
    }
    return places;
  }

  static void cropResize(Tensor x, Tensor boxes, Tensor y) {
    double[] v = read(x);
    double[] box = read(boxes);
    double[] out = new double[(int) y.elements()];
    int c = x.dim(3);
    forEachBox(
        x,
        box,
        y,
        (weight, atX, atY) -> {
          for (int i = 0; i < c; i++) {
            out[atY + i] += weight * v[atX + i];
          }
        });
    write(out, y);
  }

  static void cropResizeBackward(Tensor dy, Tensor boxes, Tensor dx) {
    double[] g = read(dy);
    double[] box = read(boxes);
    double[] sum = new double[(int) dx.elements()];
    int c = dx.dim(3);
    forEachBox(
        dx,
        box,
        dy,
        (weight, atX, atY) -> {
          for (int i = 0; i < c; i++) {
            sum[atX + i] += weight * g[atY + i];
          }
        });
    write(sum, dx);
  }

  /** Takes the share that a pixel of x has in a pixel of y. */
  private interface Share {
    void accept(double weight, int atX, int atY);
  }

  private static void forEachBox(Tensor x, double[] box, Tensor y, Share share) {
    int h = x.dim(1);
    int w = x.dim(2);
    int c = x.dim(3);
    int oh = y.dim(2);
    int ow = y.dim(3);
    for (int nr = 0; nr < y.dim(0) * y.dim(1); nr++) {
      int image = nr / y.dim(1);
      double[][] rows = weights(h, oh, box[nr * 4], box[nr * 4 + 2]);
      double[][] columns = weights(w, ow, box[nr * 4 + 1], box[nr * 4 + 3]);
      for (int r = 0; r < oh; r++) {
        for (int s = 0; s < ow; s++) {
          int atY = ((nr * oh + r) * ow + s) * c;
          for (int i = 0; i < h; i++) {
            for (int j = 0; j < w; j++) {
              double weight = rows[r][i] * columns[s][j];
              if (weight != 0) {
                share.accept(weight, ((image * h + i) * w + j) * c, atY);
              }
            }
          }
        }
      }
    }
  }

  /** The weight of each of {@code n} input lines in each of {@code o} output lines. */
  private static double[][] weights(int n, int o, double a, double b) {
    double inverse = Math.max(b - a, SHORTEST_BOX) * n / o;
    double support = Math.max(inverse, 1);
    double[][] weights = new double[o][n];
    for (int j = 0; j < o; j++) {
      double at = (j + 0.5) * inverse + a * n - 0.5;
      if (at < -0.5 || at > n - 0.5) {
        continue;
      }
      double sum = 0;
      for (int i = 0; i < n; i++) {
        weights[j][i] = Math.max(0, 1 - Math.abs(at - i) / support);
        sum += weights[j][i];
      }
      for (int i = 0; i < n; i++) {
        weights[j][i] /= sum;
      }
    }
    return weights;
  }

  static void sinusoids(
      Tensor t, boolean cosineFirst, double frequencyShift, double maxPeriod, Tensor y) {
    double[] time = read(t);
    int dim = y.dim(1);
    int half = dim / 2;
    double[] out = new double[time.length * dim]; // an odd dim leaves the last column zero
    for (int n = 0; n < time.length; n++) {
      for (int i = 0; i < half; i++) {
        double angle = time[n] * Math.pow(maxPeriod, -i / (half - frequencyShift));
        out[n * dim + i] = cosineFirst ? Math.cos(angle) : Math.sin(angle);
        out[n * dim + half + i] = cosineFirst ? Math.sin(angle) : Math.cos(angle);
      }
    }
    write(out, y);
  }
}
