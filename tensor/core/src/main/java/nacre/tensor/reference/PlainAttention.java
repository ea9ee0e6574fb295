package nacre.tensor.reference;

import static nacre.tensor.reference.Elements.read;
import static nacre.tensor.reference.Elements.write;

import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.AttentionGradients;
import nacre.tensor.spi.AttentionInputs;

/** Attention, with the logarithm of each softmax's denominator as its state, and softmax itself. */
final class PlainAttention {
  private PlainAttention() {}

  /** [N, H, T]: one logarithm for each softmax. */
  static Shape state(Shape q) {
    return Shape.of(q.dim(0), q.dim(2), q.dim(1));
  }

  static void attention(AttentionInputs in, Tensor y, Tensor state) {
    Tensor q = in.q();
    Tensor k = in.k();

    int t = q.dim(1);
    int s = k.dim(1);
    int heads = q.dim(2);
    int d = q.dim(3);
    double[] vq = read(q);
    double[] vk = read(k);
    double[] vv = read(in.v());
    double[] out = new double[vq.length];
    double[] logs = new double[q.dim(0) * heads * t];
    for (int n = 0; n < q.dim(0); n++) {
      for (int h = 0; h < heads; h++) {
        for (int i = 0; i < t; i++) {
          int atQ = ((n * t + i) * heads + h) * d;
          int keys = in.causal() ? Math.min(s, i + 1) : s;
          double[] score = new double[keys];
          for (int j = 0; j < keys; j++) {
            score[j] = in.scale() * dot(vq, atQ, vk, ((n * s + j) * heads + h) * d, d);
          }
          double log = logSumExp(score);
          logs[(n * heads + h) * t + i] = log;
          for (int j = 0; j < keys; j++) {
            double p = Math.exp(score[j] - log);
            for (int e = 0; e < d; e++) {
              out[atQ + e] += p * vv[((n * s + j) * heads + h) * d + e];
            }
          }
        }
      }
    }
    write(out, y);
    if (state != null) {
      write(logs, state);
    }
  }

  static void attentionBackward(
      AttentionInputs in, Tensor y, Tensor dy, Tensor state, AttentionGradients out) {
    Tensor q = in.q();
    Tensor k = in.k();

    int t = q.dim(1);
    int s = k.dim(1);
    int heads = q.dim(2);
    int d = q.dim(3);
    double[] vq = read(q);
    double[] vk = read(k);
    double[] vv = read(in.v());
    double[] vy = read(y);
    double[] g = read(dy);
    double[] logs = read(state);
    double[] gq = new double[vq.length];
    double[] gk = new double[vk.length];
    double[] gv = new double[vv.length];
    for (int n = 0; n < q.dim(0); n++) {
      for (int h = 0; h < heads; h++) {
        for (int i = 0; i < t; i++) {
          int atQ = ((n * t + i) * heads + h) * d;
          double weighted = dot(g, atQ, vy, atQ, d);
          int keys = in.causal() ? Math.min(s, i + 1) : s;
          for (int j = 0; j < keys; j++) {
            int atK = ((n * s + j) * heads + h) * d;
            double score = in.scale() * dot(vq, atQ, vk, atK, d);
            double p = Math.exp(score - logs[(n * heads + h) * t + i]);
            double ds = in.scale() * p * (dot(g, atQ, vv, atK, d) - weighted);
            for (int e = 0; e < d; e++) {
              gv[atK + e] += p * g[atQ + e];
              gq[atQ + e] += ds * vk[atK + e];
              gk[atK + e] += ds * vq[atQ + e];
            }
          }
        }
      }
    }
    write(gq, out.dq());
    write(gk, out.dk());
    write(gv, out.dv());
  }

  static void softmax(Tensor x, Tensor y) {
    double[] v = read(x);
    int c = x.dim(-1);
    double[] row = new double[c];
    for (int at = 0; at < v.length; at += c) {
      System.arraycopy(v, at, row, 0, c);
      double log = logSumExp(row);
      for (int i = 0; i < c; i++) {
        v[at + i] = Math.exp(row[i] - log);
      }
    }
    write(v, y);
  }

  static void softmaxBackward(Tensor y, Tensor dy, Tensor dx) {
    double[] v = read(y);
    double[] g = read(dy);
    int c = y.dim(-1);
    double[] out = new double[v.length];
    for (int at = 0; at < v.length; at += c) {
      double weighted = dot(v, at, g, at, c);
      for (int i = at; i < at + c; i++) {
        out[i] = v[i] * (g[i] - weighted);
      }
    }
    write(out, dx);
  }

  private static double logSumExp(double[] values) {
    double max = Double.NEGATIVE_INFINITY;
    for (double v : values) {
      max = Math.max(max, v);
    }
    double sum = 0;
    for (double v : values) {
      sum += Math.exp(v - max);
    }
    return max + Math.log(sum);
  }

  private static double dot(double[] a, int atA, double[] b, int atB, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += a[atA + i] * b[atB + i];
    }
    return sum;
  }
}
