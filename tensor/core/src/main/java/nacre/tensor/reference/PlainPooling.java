package nacre.tensor.reference;

import static nacre.tensor.reference.Elements.read;
import static nacre.tensor.reference.Elements.write;

import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Reduction;
import nacre.tensor.spi.Window;

/** The largest elements and the means of windows of an image. */
final class PlainPooling {
  private final Shape image;
  private final Shape pooled;
  private final int kernel;
  private final Window window;

  PlainPooling(Shape image, Shape pooled, int kernel, Window window) {
    this.image = image;
    this.pooled = pooled;
    this.kernel = kernel;
    this.window = window;
  }

  void forward(Reduction r, Tensor x, Tensor y) {
    double[] v = read(x);
    double[] out = new double[(int) pooled.elements()];
    for (int i = 0; i < out.length; i++) {
      int[] places = places(i);
      if (r == Reduction.MAX) {
        out[i] = v[largest(v, places)];
      } else {
        for (int place : places) {
          out[i] += v[place] / places.length;
        }
      }
    }
    write(out, y);
  }

  void backward(Reduction r, Tensor x, Tensor dy, Tensor dx) {
    double[] v = r == Reduction.MAX ? read(x) : null;
    double[] g = read(dy);
    double[] out = new double[(int) image.elements()];
    for (int i = 0; i < g.length; i++) {
      int[] places = places(i);
      if (r == Reduction.MAX) {
        out[largest(v, places)] += g[i];
      } else {
        for (int place : places) {
          out[place] += g[i] / places.length;
        }
      }
    }
    write(out, dx);
  }

  /** The first of the largest, or the last that is not a number. */
  private static int largest(double[] v, int[] places) {
    int best = places[0];
    for (int place : places) {
      if (v[place] > v[best] || Double.isNaN(v[place])) {
        best = place;
      }
    }
    return best;
  }

  /** The elements of the image in the window of output {@code i}, row by row. */
  private int[] places(int i) {
    int channels = image.dim(3);
    int column = i / channels % pooled.dim(2);
    int row = i / channels / pooled.dim(2) % pooled.dim(1);
    int n = i / channels / pooled.dim(2) / pooled.dim(1);
    int y = row * window.stride() - window.top();
    int x = column * window.stride() - window.left();
    int top = Math.max(0, y);
    int left = Math.max(0, x);
    int high = Math.min(image.dim(1), y + kernel) - top;
    int wide = Math.min(image.dim(2), x + kernel) - left;
    int[] places = new int[high * wide];
    for (int k = 0; k < places.length; k++) {
      long line = (long) n * image.dim(1) + top + k / wide;
      places[k] = (int) ((line * image.dim(2) + left + k % wide) * channels + i % channels);
    }
    return places;
  }
}
