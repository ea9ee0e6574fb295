package nacre.tensor.cpu;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.Worth;
import nacre.tensor.spi.Indexed;

/** What is computed of rows of scores, one score a class: the largest, and the cross-entropy. */
final class ClassKernels {
  private final Team team;

  ClassKernels(Team team) {
    this.team = team;
  }

  private interface Row {
    /** What is to be done with a row, which was loaded into t. */
    void run(long row, float[] t);
  }

  private void rows(Tensor x, Row body) {
    int c = x.dim(-1);
    team.split(
        c == 0 ? 0 : x.elements() / c,
        Worth.functions(x.elements()),
        (from, to) -> {
          float[] t = Scratch.mine().floats(0, c);
          for (long row = from; row < to; row++) {
            Tiles.load(x.address(), x.dtype(), row * c, t, 0, c);
            body.run(row, t);
          }
        });
  }

  void argmax(Tensor x, Tensor y) {
    int c = x.dim(-1);
    rows(
        x,
        (row, t) -> {
          long[] best = Scratch.mine().longs(1);
          best[0] = first(t, VectorMath.max(t, 0, c), c);
          Integers.store(best, y.address(), y.dtype(), row, 1);
        });
  }

  private static int first(float[] t, float largest, int c) {
    for (int i = 0; i < c; i++) {
      if (t[i] == largest || Float.isNaN(t[i])) {
        return i;
      }
    }
    return 0; // no row is without its largest
  }

  void crossEntropy(Tensor logits, Tensor targets, Tensor y) {
    int c = logits.dim(-1);
    double[] losses = new double[Math.toIntExact(targets.elements())];
    rows(
        logits,
        (row, t) -> {
          float score = t[target(targets, row, c)];
          float top = shiftByLargest(t, c);
          VectorMath.exp(t, t, c);
          losses[(int) row] = Math.log(VectorMath.sum(t, 0, c)) + top - score;
        });
    double mean = Arrays.stream(losses).sum() / losses.length;
    Tiles.store(new float[] {(float) mean}, 0, y.address(), DType.F32, 0, 1);
  }

  void crossEntropyBackward(Tensor logits, Tensor targets, Tensor dy, Tensor dx) {
    int c = logits.dim(-1);
    float factor = Tiles.vector(dy)[0] / targets.elements();
    rows(
        logits,
        (row, t) -> {
          int target = target(targets, row, c);
          shiftByLargest(t, c);
          VectorMath.exp(t, t, c);
          float scale = factor / VectorMath.sum(t, 0, c);
          for (int i = 0; i < c; i++) {
            t[i] *= scale;
          }
          t[target] -= factor;
          Tiles.store(t, 0, dx.address(), dx.dtype(), row * c, c);
        });
  }

  private static float shiftByLargest(float[] t, int c) {
    float top = VectorMath.max(t, 0, c);
    for (int i = 0; i < c; i++) {
      t[i] -= top;
    }
    return top;
  }

  private static int target(Tensor targets, long row, int classes) {
    return (int) Indexed.CROSS_ENTROPY.check(Integers.get(targets, row), row, classes);
  }
}
