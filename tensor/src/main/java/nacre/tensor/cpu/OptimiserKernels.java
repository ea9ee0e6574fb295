package nacre.tensor.cpu;

import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.backend.AdamWStep;

/** Updates of many parameters in one go: small tensors are spread over the threads whole. */
final class OptimiserKernels {
  private final Team team;

  OptimiserKernels(Team team) {
    this.team = team;
  }

  private interface Range {
    void run(int tensor, long from, long to);
  }

  /** Cuts the tensors' elements, laid end to end, into one equal share a thread. */
  private void share(List<Tensor> tensors, Range range) {
    long[] ends = new long[tensors.size()];
    long total = 0;
    for (int k = 0; k < ends.length; k++) {
      total += tensors.get(k).elements();
      ends[k] = total;
    }
    team.split(
        total,
        total >= Elementwise.WORTH,
        (from, to) -> {
          long start = 0;
          for (int k = 0; k < ends.length; k++) {
            long a = Math.max(from, start);
            long b = Math.min(to, ends[k]);
            if (a < b) {
              range.run(k, a - start, b - start);
            }
            start = ends[k];
          }
        });
  }

  void adamW(
      List<Tensor> parameters,
      List<Tensor> gradients,
      List<Tensor> m,
      List<Tensor> v,
      Tensor squaredNorm,
      AdamWStep step) {
    double clip = 1;
    if (squaredNorm != null) {
      float[] norm2 = new float[1];
      Tiles.load(squaredNorm.address(), DType.F32, 0, norm2, 0, 1);
      clip = Math.min(1, step.maxNorm() / (Math.sqrt(norm2[0]) + 1e-6));
    }
    float k = (float) clip;
    float b1 = (float) step.beta1();
    float b2 = (float) step.beta2();
    float c1 = (float) (1 - step.beta1());
    float c2 = (float) (1 - step.beta2());
    float keep = (float) (1 - step.learningRate() * step.weightDecay());
    float rate = (float) (step.learningRate() / (1 - Math.pow(step.beta1(), step.step())));
    float root = (float) (1 / Math.sqrt(1 - Math.pow(step.beta2(), step.step())));
    float eps = (float) step.eps();
    share(
        parameters,
        (t, from, to) -> {
          Scratch s = Scratch.mine();
          float[] p = s.floats(0, Scratch.TILE);
          float[] g = s.floats(1, Scratch.TILE);
          float[] tm = s.floats(2, Scratch.TILE);
          float[] tv = s.floats(3, Scratch.TILE);
          for (long i = from; i < to; i += Scratch.TILE) {
            int n = (int) Math.min(Scratch.TILE, to - i);
            load(parameters.get(t), i, p, n);
            load(gradients.get(t), i, g, n);
            load(m.get(t), i, tm, n);
            load(v.get(t), i, tv, n);
            for (int j = 0; j < n; j++) {
              float d = g[j] * k;
              tm[j] = b1 * tm[j] + c1 * d;
              tv[j] = b2 * tv[j] + c2 * d * d;
            }
            for (int j = 0; j < n; j++) {
              float denominator = (float) Math.sqrt(tv[j]) * root + eps;
              p[j] = p[j] * keep - rate * tm[j] / denominator;
            }
            store(p, parameters.get(t), i, n);
            store(tm, m.get(t), i, n);
            store(tv, v.get(t), i, n);
          }
        });
  }

  void lerp(List<Tensor> y, List<Tensor> x, double weight) {
    float k = (float) weight;
    share(
        y,
        (t, from, to) -> {
          float[] a = Scratch.mine().floats(0, Scratch.TILE);
          float[] b = Scratch.mine().floats(1, Scratch.TILE);
          for (long i = from; i < to; i += Scratch.TILE) {
            int n = (int) Math.min(Scratch.TILE, to - i);
            load(y.get(t), i, a, n);
            load(x.get(t), i, b, n);
            for (int j = 0; j < n; j++) {
              a[j] += k * (b[j] - a[j]);
            }
            store(a, y.get(t), i, n);
          }
        });
  }

  private static void load(Tensor x, long from, float[] tile, int n) {
    Tiles.load(x.address(), x.dtype(), from, tile, 0, n);
  }

  private static void store(float[] tile, Tensor x, long from, int n) {
    Tiles.store(tile, 0, x.address(), x.dtype(), from, n);
  }
}
