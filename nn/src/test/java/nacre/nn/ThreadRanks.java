package nacre.nn;

import java.util.Arrays;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import nacre.tensor.Tensor;
import nacre.tensor.spi.CollectiveException;
import nacre.tensor.spi.Collectives;

/** Ranks that are threads of this process: each sees the others' tensors. Sums go by rank. */
final class ThreadRanks implements Collectives {
  /** What the ranks of a group share. */
  static final class Group {
    final CyclicBarrier barrier;
    final float[][] shown;

    Group(int ranks) {
      barrier = new CyclicBarrier(ranks);
      shown = new float[ranks][];
    }
  }

  private final Group group;
  private final int rank;

  ThreadRanks(Group group, int rank) {
    this.group = group;
    this.rank = rank;
  }

  private void meet() {
    try {
      group.barrier.await(60, TimeUnit.SECONDS);
    } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
      throw new CollectiveException("rank " + rank + ": a rank is lost", e);
    }
  }

  /** What all show, when all have; nobody goes on before all have read it. */
  private float[][] show(Tensor mine) {
    group.shown[rank] = mine.toFloats();
    meet();
    float[][] all = group.shown.clone();
    meet();
    for (float[] other : all) {
      if (other.length != all[rank].length) {
        throw new CollectiveException("rank " + rank + ": another has another size");
      }
    }
    return all;
  }

  private static float[] total(float[][] all) {
    float[] sum = all[0].clone();
    for (int r = 1; r < all.length; r++) {
      for (int i = 0; i < sum.length; i++) {
        sum[i] += all[r][i];
      }
    }
    return sum;
  }

  @Override
  public String describe() {
    return "threads";
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int ranks() {
    return group.shown.length;
  }

  @Override
  public void startSum(Tensor x) {
    x.copyFrom(total(show(x)));
  }

  @Override
  public void startMean(Tensor x) {
    x.copyFrom(mean(show(x)));
  }

  private float[] mean(float[][] all) {
    float[] mean = total(all);
    for (int i = 0; i < mean.length; i++) {
      mean[i] /= ranks();
    }
    return mean;
  }

  @Override
  public void startMeanScatter(Tensor x, Tensor part) {
    float[] mean = mean(show(x));
    int each = mean.length / ranks();
    part.copyFrom(Arrays.copyOfRange(mean, rank * each, (rank + 1) * each));
  }

  @Override
  public void startGather(Tensor part, Tensor x) {
    float[][] all = show(part);
    float[] whole = new float[all[0].length * ranks()];
    for (int r = 0; r < ranks(); r++) {
      System.arraycopy(all[r], 0, whole, r * all[r].length, all[r].length);
    }
    x.copyFrom(whole);
  }

  @Override
  public void broadcast(Tensor x, int root) {
    x.copyFrom(show(x)[root]);
  }

  @Override
  public void join() {}

  @Override
  public long bytesSent() {
    return 0;
  }

  @Override
  public void abort() {
    group.barrier.reset();
  }

  @Override
  public void close() {}
}
