package nacre.neuralassets.training;

import nacre.tensor.Tensor;
import nacre.tensor.spi.Collectives;

/**
 * The first of a number of ranks, which exchanges nothing: the only one, whose sums are its own, or
 * one of several on a device of {@link nacre.tensor.DryRun}, where no element matters.
 */
record LoneRank(int ranks) implements Collectives {
  @Override
  public String describe() {
    return "no exchange";
  }

  @Override
  public int rank() {
    return 0;
  }

  @Override
  public void broadcast(Tensor x, int root) {}

  @Override
  public void startSum(Tensor x) {}

  @Override
  public void startMean(Tensor x) {}

  @Override
  public void startMeanScatter(Tensor x, Tensor part) {
    x.backend().cast(x.rows(0, part.dim(0)), part);
  }

  @Override
  public void startGather(Tensor part, Tensor x) {
    x.backend().cast(part, x.rows(0, part.dim(0)));
  }

  @Override
  public void join() {}

  @Override
  public long bytesSent() {
    return 0;
  }

  @Override
  public void abort() {}

  @Override
  public void close() {}
}
