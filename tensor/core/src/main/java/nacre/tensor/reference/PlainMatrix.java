package nacre.tensor.reference;

import static nacre.tensor.reference.Elements.read;
import static nacre.tensor.reference.Elements.write;

import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;

/** Matrix products. */
final class PlainMatrix {
  private PlainMatrix() {}

  static void matmul(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor bias, Unary f, Tensor y) {
    int m = y.dim(-2);
    int n = y.dim(-1);
    int k = a.dim(transposeA ? -2 : -1);
    int batch = (int) a.shape().elements(0, a.shape().rank() - 2);
    boolean shared = b.shape().rank() == 2;
    double[] va = read(a);
    double[] vb = read(b);
    double[] vbias = bias == null ? null : read(bias);
    double[] out = new double[batch * m * n];
    for (int e = 0; e < batch; e++) {
      int atA = e * m * k;
      int atB = shared ? 0 : e * k * n;
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          double sum = vbias == null ? 0 : vbias[j];
          for (int p = 0; p < k; p++) {
            double left = va[atA + (transposeA ? p * m + i : i * k + p)];
            double right = vb[atB + (transposeB ? j * k + p : p * n + j)];
            sum += left * right;
          }
          out[(e * m + i) * n + j] = f == null ? sum : Functions.value(f, sum);
        }
      }
    }
    write(out, y);
  }

  static void linearWeightGradient(Tensor x, Tensor dy, Tensor dw, Tensor db) {
    int in = x.dim(-1);
    int out = dy.dim(-1);
    double[] vx = read(x);
    double[] g = read(dy);
    double[] weight = new double[out * in];
    double[] bias = new double[out];
    for (int row = 0; row < g.length / out; row++) {
      for (int o = 0; o < out; o++) {
        bias[o] += g[row * out + o];
        for (int i = 0; i < in; i++) {
          weight[o * in + i] += g[row * out + o] * vx[row * in + i];
        }
      }
    }
    write(weight, dw);
    if (db != null) {
      write(bias, db);
    }
  }
}
