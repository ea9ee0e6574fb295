package nacre.tensor.cpu;

import java.lang.foreign.ValueLayout;
import java.util.List;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.Worth;
import nacre.tensor.spi.AdamWConstants;
import nacre.tensor.spi.AdamWTensors;
import nacre.tensor.spi.DynamicCode;
import nacre.tensor.spi.RoundingNoise;

/** Updates of many parameters in one go: small tensors are spread over the threads whole. */
final class OptimizerKernels {
  private final Team team;

  OptimizerKernels(Team team) {
    this.team = team;
  }

  private interface Range {
    void run(int tensor, long from, long to);
  }

  /**
   * Cuts the tensors' elements, laid end to end, into one equal share a thread, within tensors
   * where a block of 8-bit moments ends.
   */
  private void share(List<Tensor> tensors, Range range) {
    long[] ends = new long[tensors.size()];
    long total = 0;
    for (int k = 0; k < ends.length; k++) {
      total += tensors.get(k).elements();
      ends[k] = total;
    }
    team.split(
        total,
        Worth.functions(total),
        (from, to) -> {
          long start = 0;
          for (int k = 0; k < ends.length; k++) {
            long a = Math.max(from, start);
            long b = Math.min(to, ends[k]);
            if (a < b) {
              long first = toBlock(a - start, ends[k] - start);
              long last = toBlock(b - start, ends[k] - start);
              if (first < last) {
                range.run(k, first, last);
              }
            }
            start = ends[k];
          }
        });
  }

  private static long toBlock(long element, long most) {
    return Math.min(
        (element + DynamicCode.BLOCK - 1) / DynamicCode.BLOCK * DynamicCode.BLOCK, most);
  }

  void adamW(AdamWTensors tensors, Tensor squaredNorm, Tensor learningRate, AdamWConstants c) {
    double clip = 1;
    if (squaredNorm != null) {
      clip = Math.min(1, c.maxNorm() / (Math.sqrt(scalar(squaredNorm)) + 1e-6));
    }
    double lr = scalar(learningRate) * c.rateFactor();
    List<Tensor> parameters = tensors.parameters();
    float[] rates = new float[parameters.size()];
    float[] roots = new float[parameters.size()];
    int[] keys = new int[parameters.size()];
    for (int t = 0; t < rates.length; t++) {
      int step = countUp(tensors.steps().get(t));
      rates[t] = (float) (lr / (1 - Math.pow(c.beta1(), step)));
      roots[t] = (float) (1 / Math.sqrt(1 - Math.pow(c.beta2(), step)));
      keys[t] = RoundingNoise.key(c.seed(), t, step);
    }
    float k = (float) clip;
    float b1 = (float) c.beta1();
    float b2 = (float) c.beta2();
    float c1 = (float) (1 - c.beta1());
    float c2 = (float) (1 - c.beta2());
    float keep = (float) (1 - lr * c.weightDecay());
    float eps = (float) c.eps();
    Weights weights = new Weights(parameters, tensors.compensations());
    Moments first = Moments.first(tensors.m(), tensors.mScales());
    Moments second = Moments.second(tensors.v(), tensors.vScales());
    List<Tensor> averages = tensors.averages();
    float move = averages.isEmpty() ? 0 : scalar(tensors.averageWeight());
    share(
        parameters,
        (t, from, to) -> {
          Scratch s = Scratch.mine();
          float[] p = s.floats(0, Scratch.TILE);
          float[] g = s.floats(1, Scratch.TILE);
          float[] tm = s.floats(2, Scratch.TILE);
          float[] tv = s.floats(3, Scratch.TILE);
          float rate = rates[t];
          float root = roots[t];
          for (long i = from; i < to; i += Scratch.TILE) {
            int n = (int) Math.min(Scratch.TILE, to - i);
            weights.load(t, i, p, n);
            load(tensors.gradients().get(t), i, g, n);
            first.load(t, i, tm, n);
            second.load(t, i, tv, n);
            for (int j = 0; j < n; j++) {
              float d = g[j] * k;
              tm[j] = b1 * tm[j] + c1 * d;
              tv[j] = b2 * tv[j] + c2 * d * d;
            }
            for (int j = 0; j < n; j++) {
              float denominator = (float) Math.sqrt(tv[j]) * root + eps;
              p[j] = p[j] * keep - rate * tm[j] / denominator;
            }
            weights.store(p, t, i, n, keys[t]);
            first.store(tm, t, i, n, keys[t]);
            second.store(tv, t, i, n, keys[t]);
            if (!averages.isEmpty()) {
              lerp(averages.get(t), parameters.get(t), move, i, n);
            }
          }
        });
  }

  void lerp(List<Tensor> y, List<Tensor> x, Tensor weight) {
    float k = scalar(weight);
    share(
        y,
        (t, from, to) -> {
          for (long i = from; i < to; i += Scratch.TILE) {
            lerp(y.get(t), x.get(t), k, i, (int) Math.min(Scratch.TILE, to - i));
          }
        });
  }

  private static void lerp(Tensor y, Tensor x, float weight, long from, int n) {
    float[] a = Scratch.mine().floats(0, Scratch.TILE);
    float[] b = Scratch.mine().floats(1, Scratch.TILE);
    load(y, from, a, n);
    load(x, from, b, n);
    for (int j = 0; j < n; j++) {
      a[j] += weight * (b[j] - a[j]);
    }
    store(a, y, from, n);
  }

  private static float scalar(Tensor x) {
    return Tiles.vector(x)[0];
  }

  private static int countUp(Tensor count) {
    int next = Tiles.ALL.get(ValueLayout.JAVA_INT, count.address()) + 1;
    Tiles.ALL.set(ValueLayout.JAVA_INT, count.address(), next);
    return next;
  }

  private static void load(Tensor x, long from, float[] tile, int n) {
    Tiles.load(x.address(), x.dtype(), from, tile, 0, n);
  }

  private static void store(float[] tile, Tensor x, long from, int n) {
    Tiles.store(tile, 0, x.address(), x.dtype(), from, n);
  }
}
