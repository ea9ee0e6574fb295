package nacre.cli;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import java.util.function.LongFunction;

/**
 * Batches that are made on threads of their own, ahead of the steps that take them.
 *
 * @param <B> a batch on the host
 */
final class Prefetch<B> implements AutoCloseable {
  /** Batches that are made before they are asked for. */
  private static final int AHEAD = 2;

  private final LongFunction<B> batches;
  private final ForkJoinPool readers;
  private final Map<Long, ForkJoinTask<B>> ahead = new HashMap<>();

  /**
   * Nothing is made before the first is asked for.
   *
   * @param batches makes the batch of a step; several threads may call it at once, and what it does
   *     in parallel is done by the readers
   * @param readers number of threads
   */
  Prefetch(LongFunction<B> batches, int readers) {
    this.batches = batches;
    this.readers =
        new ForkJoinPool(
            readers,
            pool -> {
              var thread = ForkJoinPool.defaultForkJoinWorkerThreadFactory.newThread(pool);
              thread.setName("reader-" + thread.getPoolIndex());
              thread.setDaemon(true);
              return thread;
            },
            null,
            false);
  }

  /** The batch of a step, and orders those of the next steps. */
  B batch(long step) {
    ahead.keySet().removeIf(other -> other < step || other > step + AHEAD);
    for (long s = step; s <= step + AHEAD; s++) {
      long wanted = s;
      ahead.computeIfAbsent(
          wanted, _ -> readers.submit(ForkJoinTask.adapt(() -> batches.apply(wanted))));
    }
    ForkJoinTask<B> task = ahead.remove(step);
    task.quietlyJoin();
    if (task.getException() instanceof RuntimeException e) {
      throw e; // join would wrap it
    }
    return task.join();
  }

  @Override
  public void close() {
    readers.shutdownNow();
  }
}
