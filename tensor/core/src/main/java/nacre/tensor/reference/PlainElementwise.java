package nacre.tensor.reference;

import static nacre.tensor.reference.Elements.read;
import static nacre.tensor.reference.Elements.write;

import java.util.Arrays;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Reduction;
import nacre.tensor.spi.Unary;

/** Operations on element i of everything, and their sums. */
final class PlainElementwise {
  private PlainElementwise() {}

  static void unary(Unary f, Tensor x, Tensor y) {
    double[] v = read(x);
    for (int i = 0; i < v.length; i++) {
      v[i] = Functions.value(f, v[i]);
    }
    write(v, y);
  }

  static void unaryBackward(Unary f, Tensor x, Tensor dy, Tensor dx) {
    double[] v = read(x);
    double[] g = read(dy);
    for (int i = 0; i < v.length; i++) {
      v[i] = Functions.derivative(f, v[i]) * g[i];
    }
    write(v, dx);
  }

  static void binary(Binary f, Tensor a, Tensor b, Tensor y) {
    double[] va = read(a);
    double[] vb = read(b);
    int[] ia = Indices.broadcast(a.shape(), y.shape());
    int[] ib = Indices.broadcast(b.shape(), y.shape());
    double[] out = new double[ia.length];
    for (int i = 0; i < out.length; i++) {
      double p = va[ia[i]];
      double q = vb[ib[i]];
      out[i] =
          switch (f) {
            case ADD -> p + q;
            case SUBTRACT -> p - q;
            case MULTIPLY -> p * q;
            case DIVIDE -> p / q;
            case EQUAL -> p == q ? 1 : 0;
            case LESS -> p < q ? 1 : 0;
          };
    }
    write(out, y);
  }

  static void affine(Tensor x, double scale, double shift, Tensor y) {
    double[] v = read(x);
    for (int i = 0; i < v.length; i++) {
      v[i] = scale * v[i] + shift;
    }
    write(v, y);
  }

  static void mix(Tensor a, double scaleA, Tensor b, double scaleB, Tensor y) {
    double[] va = read(a);
    double[] vb = read(b);
    for (int i = 0; i < va.length; i++) {
      va[i] = va[i] * scaleA + vb[i] * scaleB;
    }
    write(va, y);
  }

  static void select(Tensor mask, Tensor a, Tensor b, Tensor y) {
    double[] m = read(mask);
    double[] va = a == null ? new double[m.length] : read(a);
    double[] vb = b == null ? new double[m.length] : read(b);
    for (int i = 0; i < m.length; i++) {
      m[i] = m[i] != 0 ? va[i] : vb[i];
    }
    write(m, y);
  }

  static void geglu(Tensor x, Tensor y) {
    double[] v = read(x);
    int c = y.dim(-1);
    double[] out = new double[v.length / 2];
    for (int i = 0; i < out.length; i++) {
      int at = i / c * 2 * c + i % c;
      out[i] = v[at] * Functions.value(Unary.GELU, v[at + c]);
    }
    write(out, y);
  }

  static void gegluBackward(Tensor x, Tensor dy, Tensor dx) {
    double[] v = read(x);
    double[] g = read(dy);
    int c = dy.dim(-1);
    double[] out = new double[v.length];
    for (int i = 0; i < g.length; i++) {
      int at = i / c * 2 * c + i % c;
      out[at] = g[i] * Functions.value(Unary.GELU, v[at + c]);
      out[at + c] = g[i] * v[at] * Functions.derivative(Unary.GELU, v[at + c]);
    }
    write(out, dx);
  }

  static void reduce(Reduction r, Tensor x, Tensor y) {
    double[] v = read(x);
    int[] target = Indices.broadcast(y.shape(), x.shape());
    double[] out = new double[(int) y.elements()];
    if (r == Reduction.MAX) {
      Arrays.fill(out, Double.NEGATIVE_INFINITY);
    }
    for (int i = 0; i < v.length; i++) {
      int to = target[i];
      out[to] = r == Reduction.MAX ? Math.max(out[to], v[i]) : out[to] + v[i];
    }
    if (r == Reduction.MEAN) {
      double count = (double) v.length / out.length;
      for (int i = 0; i < out.length; i++) {
        out[i] /= count;
      }
    }
    write(out, y);
  }

  static void meanSquaredError(Tensor a, Tensor b, Tensor y) {
    double[] va = read(a);
    double[] vb = read(b);
    double sum = 0;
    for (int i = 0; i < va.length; i++) {
      sum += (va[i] - vb[i]) * (va[i] - vb[i]);
    }
    write(new double[] {sum / va.length}, y);
  }

  static void meanSquaredErrorBackward(Tensor a, Tensor b, Tensor dy, Tensor da) {
    double[] va = read(a);
    double[] vb = read(b);
    double factor = 2 * read(dy)[0] / va.length;
    for (int i = 0; i < va.length; i++) {
      va[i] = factor * (va[i] - vb[i]);
    }
    write(va, da);
  }
}
