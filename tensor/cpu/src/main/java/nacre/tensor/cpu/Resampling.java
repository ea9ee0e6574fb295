package nacre.tensor.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.Worth;

/** Up-sampling, pooling, and antialiased crops of channels-last images. */
final class Resampling {
  private final Team team;

  Resampling(Team team) {
    this.team = team;
  }

  void upsampleNearest(Tensor x, int f, Tensor y) {
    int w = x.dim(2);
    long pixel = (long) x.dim(3) * x.dtype().bytes();
    long rows = (long) x.dim(0) * x.dim(1);
    long yRow = pixel * w * f;
    team.split(
        rows,
        Worth.functions(y.elements()),
        (from, to) -> {
          for (long r = from; r < to; r++) {
            long source = x.address() + r * w * pixel;
            long target = y.address() + r * f * yRow;
            for (int i = 0; i < w * f; i++) {
              MemorySegment.copy(
                  Tiles.ALL, source + i / f * pixel, Tiles.ALL, target + i * pixel, pixel);
            }
            for (int k = 1; k < f; k++) {
              MemorySegment.copy(Tiles.ALL, target, Tiles.ALL, target + k * yRow, yRow);
            }
          }
        });
  }

  void upsampleNearestBackward(Tensor dy, int f, Tensor dx) {
    pool(dy, f, 1f, dx);
  }

  void averagePool(Tensor x, int f, Tensor y) {
    pool(x, f, 1f / (f * f), y);
  }

  /** y = scale · sums of f × f blocks. */
  private void pool(Tensor x, int f, float scale, Tensor y) {
    int w = y.dim(2);
    int c = y.dim(3);
    long rows = (long) y.dim(0) * y.dim(1);
    team.split(
        rows,
        Worth.functions(x.elements()),
        (from, to) -> {
          Scratch s = Scratch.mine();
          float[] in = s.floats(0, w * f * c);
          float[] sum = s.floats(1, w * c);
          for (long r = from; r < to; r++) {
            Arrays.fill(sum, 0, w * c, 0);
            for (int k = 0; k < f; k++) {
              Tiles.load(x.address(), x.dtype(), (r * f + k) * w * f * c, in, 0, w * f * c);
              for (int i = 0; i < w * f; i++) {
                add(in, i * c, sum, i / f * c, c);
              }
            }
            for (int i = 0; i < w * c; i++) {
              sum[i] *= scale;
            }
            Tiles.store(sum, 0, y.address(), y.dtype(), r * w * c, w * c);
          }
        });
  }

  private static void add(float[] x, int from, float[] sum, int at, int n) {
    for (int i = 0; i < n; i++) {
      sum[at + i] += x[from + i];
    }
  }

  void averagePoolBackward(Tensor dy, int f, Tensor dx) {
    upsampleNearest(dy, f, dx);
    new Elementwise(team).affine(dx, 1.0 / (f * f), 0, dx);
  }

  void cropResize(Tensor x, Tensor boxes, Tensor y) {
    int h = x.dim(1);
    int w = x.dim(2);
    int c = x.dim(3);
    int crops = y.dim(1);
    int oh = y.dim(2);
    int ow = y.dim(3);
    team.split(
        x.dim(0),
        Worth.functions(x.elements()),
        (from, to) -> {
          float[] image = Scratch.mine().floats(0, h * w * c);
          float[] line = Scratch.mine().floats(1, w * c);
          float[] out = Scratch.mine().floats(2, ow * c);
          for (long n = from; n < to; n++) {
            Tiles.load(x.address(), x.dtype(), n * h * w * c, image, 0, h * w * c);
            for (int r = 0; r < crops; r++) {
              float[] box = box(boxes, n * crops + r);
              float[] wy = triangle(h, oh, box[0], box[2]);
              float[] wx = triangle(w, ow, box[1], box[3]);
              for (int j = 0; j < oh; j++) {
                Arrays.fill(line, 0, w * c, 0);
                for (int i = 0; i < h; i++) {
                  addScaled(wy[j * h + i], image, i * w * c, line, 0, w * c);
                }
                Arrays.fill(out, 0, ow * c, 0);
                for (int k = 0; k < ow; k++) {
                  for (int i = 0; i < w; i++) {
                    addScaled(wx[k * w + i], line, i * c, out, k * c, c);
                  }
                }
                long at = ((n * crops + r) * oh + j) * ow * c;
                Tiles.store(out, 0, y.address(), y.dtype(), at, ow * c);
              }
            }
          }
        });
  }

  void cropResizeBackward(Tensor dy, Tensor boxes, Tensor dx) {
    int h = dx.dim(1);
    int w = dx.dim(2);
    int c = dx.dim(3);
    int crops = dy.dim(1);
    int oh = dy.dim(2);
    int ow = dy.dim(3);
    team.split(
        dx.dim(0),
        Worth.functions(dx.elements()),
        (from, to) -> {
          float[] image = Scratch.mine().floats(0, h * w * c);
          float[] line = Scratch.mine().floats(1, w * c);
          float[] d = Scratch.mine().floats(2, ow * c);
          for (long n = from; n < to; n++) {
            Arrays.fill(image, 0, h * w * c, 0);
            for (int r = 0; r < crops; r++) {
              float[] box = box(boxes, n * crops + r);
              float[] wy = triangle(h, oh, box[0], box[2]);
              float[] wx = triangle(w, ow, box[1], box[3]);
              for (int j = 0; j < oh; j++) {
                long at = ((n * crops + r) * oh + j) * ow * c;
                Tiles.load(dy.address(), dy.dtype(), at, d, 0, ow * c);
                Arrays.fill(line, 0, w * c, 0);
                for (int k = 0; k < ow; k++) {
                  for (int i = 0; i < w; i++) {
                    addScaled(wx[k * w + i], d, k * c, line, i * c, c);
                  }
                }
                for (int i = 0; i < h; i++) {
                  addScaled(wy[j * h + i], line, 0, image, i * w * c, w * c);
                }
              }
            }
            Tiles.store(image, 0, dx.address(), dx.dtype(), n * h * w * c, h * w * c);
          }
        });
  }

  private static void addScaled(float k, float[] x, int from, float[] sum, int at, int n) {
    if (k == 0) {
      return;
    }
    for (int i = 0; i < n; i++) {
      sum[at + i] += k * x[from + i];
    }
  }

  private static float[] box(Tensor boxes, long index) {
    float[] b = new float[4];
    Tiles.load(boxes.address(), DType.F32, index * 4, b, 0, 4);
    return b;
  }

  /** Weights [out, in] of an antialiased triangle filter over [a, b]; see the contract. */
  static float[] triangle(int in, int out, double a, double b) {
    double inv = Math.max(b - a, 1e-6) * in / out;
    double support = Math.max(inv, 1);
    float[] weights = new float[out * in];
    double[] column = new double[in];
    for (int j = 0; j < out; j++) {
      double s = (j + 0.5) * inv + a * in - 0.5;
      double sum = 0;
      for (int i = 0; i < in; i++) {
        column[i] = Math.max(0, 1 - Math.abs(s - i) / support);
        sum += column[i];
      }
      boolean inside = s >= -0.5 && s <= in - 0.5 && sum > 1000 * 1.1920929e-7;
      for (int i = 0; i < in; i++) {
        weights[j * in + i] = inside ? (float) (column[i] / sum) : 0;
      }
    }
    return weights;
  }
}
