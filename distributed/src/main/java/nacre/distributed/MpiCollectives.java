package nacre.distributed;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.spi.CollectiveException;
import nacre.tensor.spi.Collectives;

/**
 * Exchanges of tensors in the host's memory by MPI. Sums are made in the order of ranks, in f32
 * inside, each part by the rank that it belongs to, so that every rank has the same bits. What was
 * started goes on in a thread of its own while this one computes.
 */
public final class MpiCollectives implements Collectives {
  private final MpiThread mpi;
  private final String library;
  private final List<Exchange> started = new ArrayList<>();
  private long exchangeNanos;
  private long waitedNanos;

  MpiCollectives(MpiThread mpi, String library) {
    this.mpi = mpi;
    this.library = library;
  }

  @Override
  public String describe() {
    return library;
  }

  @Override
  public int rank() {
    return mpi.rank();
  }

  @Override
  public int ranks() {
    return mpi.ranks();
  }

  @Override
  public void broadcast(Tensor x, int root) {
    if (root < 0 || root >= ranks()) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "broadcast: no rank %d of %d", root, ranks()));
    }
    MemorySegment memory = memory("broadcast", x);
    x.written("broadcast");
    mpi.await(
        mpi.start(Exchange.Kind.BROADCAST, new Exchange.Memory(memory, memory, x.dtype()), root));
  }

  @Override
  public void startSum(Tensor x) {
    if (x.dtype() == DType.F16 || x.dtype() == DType.U8) {
      throw new IllegalArgumentException("sum: no sums of " + x.dtype() + " between ranks");
    }
    MemorySegment memory = memory("sum", x);
    x.written("sum");
    start(Exchange.Kind.SUM, memory, memory, x.dtype());
  }

  @Override
  public void startMean(Tensor x) {
    requireMeans("mean", x);
    MemorySegment memory = memory("mean", x);
    x.written("mean");
    start(Exchange.Kind.MEAN, memory, memory, x.dtype());
  }

  @Override
  public void startMeanScatter(Tensor x, Tensor part) {
    String name = "meanScatter";
    requireParts(name, part, x);
    requireMeans(name, x);
    part.written(name);
    start(Exchange.Kind.MEAN_SCATTER, memory(name, x), memory(name, part), x.dtype());
  }

  private static void requireMeans(String what, Tensor x) {
    if (x.dtype() != DType.F32 && x.dtype() != DType.BF16) {
      throw new IllegalArgumentException(what + ": no means of " + x.dtype() + " between ranks");
    }
  }

  @Override
  public void startGather(Tensor part, Tensor x) {
    requireParts("gather", part, x);
    x.written("gather");
    start(Exchange.Kind.GATHER, memory("gather", x), memory("gather", part), x.dtype());
  }

  private void requireParts(String what, Tensor part, Tensor x) {
    if (part.dtype() != x.dtype() || part.elements() * ranks() != x.elements()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s: %s is not one of %d parts of %s",
              what,
              part.describe(),
              ranks(),
              x.describe()));
    }
  }

  private void start(Exchange.Kind kind, MemorySegment x, MemorySegment part, DType dtype) {
    started.add(mpi.start(kind, new Exchange.Memory(x, part, dtype), 0));
  }

  @Override
  public void join() {
    long asked = System.nanoTime();
    try {
      started.forEach(mpi::await);
      long until = Long.MIN_VALUE; // exchanges overlap, and are over in any order
      for (Exchange exchange : started) {
        if (exchange.ended() > until) {
          long from = Math.max(exchange.begun(), until);
          exchangeNanos += exchange.ended() - from;
          waitedNanos += Math.max(0, exchange.ended() - Math.max(asked, from));
          until = exchange.ended();
        }
      }
    } finally {
      started.clear();
    }
  }

  @Override
  public Optional<Timing> timing() {
    return Optional.of(new Timing(exchangeNanos / 1e9, waitedNanos / 1e9));
  }

  @SuppressWarnings("restricted")
  private static MemorySegment memory(String what, Tensor x) {
    if (!x.device().isHost()) {
      throw new IllegalArgumentException(
          what + ": " + x.describe() + " does not lie in the host's memory");
    }
    return MemorySegment.ofAddress(x.address()).reinterpret(x.bytes());
  }

  @Override
  public long bytesSent() {
    return mpi.bytesSent();
  }

  @Override
  public void abort() {
    mpi.giveUp(new CollectiveException("the exchange was given up"));
  }

  /** The ranks stay together; {@link World#close} parts them. */
  @Override
  public void close() {
    join();
  }
}
