package nacre.distributed;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import nacre.bindings.MpiConstants;
import nacre.tensor.spi.CollectiveException;

/**
 * The one thread that calls MPI. It goes on with all exchanges that were begun while others
 * compute, and sleeps between two looks, so that a rank that waits leaves its core to those that do
 * not.
 */
final class MpiThread {
  /** How long it sleeps while somebody waits for what is under way. */
  private static final long AWAITED_NANOS = TimeUnit.MICROSECONDS.toNanos(20);

  /** The same while others compute meanwhile, on this core as it may be. */
  private static final long BESIDE_NANOS = TimeUnit.MICROSECONDS.toNanos(400);

  /** The same while nothing is under way. */
  private static final long IDLE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private final Mpi5 mpi;
  private final Buffers buffers = new Buffers();

  private final Queue<Runnable> orders = new ConcurrentLinkedQueue<>();
  private final List<Exchange> active = new ArrayList<>();
  private final CompletableFuture<Void> begun = new CompletableFuture<>();
  private final Thread thread;
  private int rank;
  private int ranks;
  private Watch watch;
  private long exchanges;
  private volatile CollectiveException failure;
  private volatile boolean over;
  private volatile boolean isAwaited;
  private volatile long bytesSent;

  /** Initializes MPI, which waits for all ranks. */
  MpiThread(MpiConstants constants) {
    mpi = new Mpi5(constants);
    thread = Thread.ofPlatform().daemon().name("mpi").start(this::run);
    await(begun);
  }

  private void run() {
    try {
      mpi.begin();
      rank = mpi.rank();
      ranks = mpi.ranks();
      begun.complete(null);
    } catch (RuntimeException | Error e) {
      begun.completeExceptionally(e);
      return;
    }
    while (!over) {
      Runnable order = orders.poll();
      while (order != null && !over) {
        order.run();
        order = orders.poll();
      }
      if (over) {
        return;
      }
      advance();
      if (watch != null && failure == null) {
        watch.look(this::awaited);
      }
      LockSupport.parkNanos(
          active.isEmpty() ? IDLE_NANOS : isAwaited ? AWAITED_NANOS : BESIDE_NANOS);
    }
  }

  private void advance() {
    Iterator<Exchange> all = active.iterator();
    while (all.hasNext() && failure == null) {
      Exchange exchange = all.next();
      long before = exchange.bytesSent();
      try {
        if (exchange.advance()) {
          all.remove();
        }
      } catch (CollectiveException e) {
        fail(e);
        return;
      } catch (RuntimeException | Error e) {
        fail(new CollectiveException("MPI: " + e.getMessage(), e));
        return;
      }
      bytesSent += exchange.bytesSent() - before;
    }
  }

  private List<Integer> awaited() {
    return active.stream().flatMap(exchange -> exchange.awaited().stream()).distinct().toList();
  }

  /** Nothing is exchanged any more, and whoever waits is told why. */
  private void fail(CollectiveException reason) {
    failure = reason;
    active.forEach(exchange -> exchange.done.completeExceptionally(reason));
    active.clear();
  }

  int rank() {
    return rank;
  }

  int ranks() {
    return ranks;
  }

  long bytesSent() {
    return bytesSent;
  }

  /** Begins an exchange. Those of all ranks are in the same order. */
  Exchange start(Exchange.Kind kind, Exchange.Memory memory, int root) {
    Exchange exchange = new Exchange(kind, memory, root, exchanges++, mpi, buffers, rank, ranks);
    order(
        () -> {
          if (failure != null) {
            exchange.done.completeExceptionally(failure);
          } else {
            active.add(exchange);
          }
        });
    return exchange;
  }

  /** Waits for an exchange. */
  MemorySegment await(Exchange exchange) {
    isAwaited = true;
    LockSupport.unpark(thread);
    try {
      return await(exchange.done);
    } finally {
      isAwaited = false;
    }
  }

  private static <T> T await(CompletableFuture<T> future) {
    try {
      return future.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof CollectiveException reason) {
        throw new CollectiveException(reason.getMessage(), reason);
      }
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw e;
    }
  }

  /** Begins to watch the other ranks. */
  void watch(Watch begins) {
    order(
        () -> {
          begins.begin(mpi);
          watch = begins;
        });
  }

  /** Gives up all exchanges. */
  void giveUp(CollectiveException reason) {
    order(() -> fail(reason));
  }

  private void order(Runnable order) {
    orders.add(order);
    LockSupport.unpark(thread);
  }

  /**
   * Ends MPI, when all ranks do.
   *
   * @return whether that was done in time
   */
  boolean end(long millis) {
    return last(mpi::end, millis);
  }

  /** Ends all ranks; this process, too, unless MPI cannot do it in time. */
  void abort(int status, long millis) {
    last(() -> mpi.abort(status), millis);
  }

  private boolean last(Runnable act, long millis) {
    if (Thread.currentThread() == thread) { // who is told of a lost rank
      over = true;
      act.run();
      return true;
    }
    order(
        () -> {
          over = true;
          act.run();
        });
    try {
      return thread.join(Duration.ofMillis(millis));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
