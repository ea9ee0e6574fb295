package nacre.tensor.cpu;

import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/** Threads of the Java runtime, for where there is no OpenMP runtime to share. */
final class JavaTeam implements Team {
  private final int threads;
  private final ForkJoinPool pool;

  JavaTeam(int threads) {
    this.threads = threads;
    this.pool = new ForkJoinPool(threads);
  }

  @Override
  public int threads() {
    return threads;
  }

  @Override
  public boolean runsLibrary() {
    return false;
  }

  @Override
  public String describe() {
    return threads + (threads == 1 ? " Java thread" : " Java threads");
  }

  @Override
  public void runAll(IntConsumer part) {
    pool.invoke(
        ForkJoinTask.adapt(
            () ->
                ForkJoinTask.invokeAll(
                    IntStream.range(0, threads)
                        .mapToObj(t -> ForkJoinTask.adapt(() -> part.accept(t)))
                        .toList())));
  }
}
