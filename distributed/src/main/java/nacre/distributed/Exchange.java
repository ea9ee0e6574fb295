package nacre.distributed;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import nacre.tensor.DType;
import nacre.tensor.spi.CollectiveException;

/**
 * Something that all ranks do together, in phases of messages between each two of them. First each
 * tells the others what it is about to do, so that ranks that went different ways are found out
 * rather than wait or mix up their numbers; then parts of the sum are collected, each by the rank
 * whose part it is; then parts are handed out. The bytes on the wire are those of a ring.
 */
final class Exchange {
  /** What is done. */
  enum Kind {
    SUM,
    SUM_SCATTER,
    GATHER,
    BROADCAST,
    BYTES
  }

  private static final int HEADER = 4 * Long.BYTES;

  /** Three tags for each exchange; as many as MPI promises at least, none of the watch's. */
  private static final int TAGS = 8192;

  /** Memory of an exchange: what is summed or handed out, whole, and where the own part lies. */
  record Memory(MemorySegment whole, MemorySegment part, DType dtype) {}

  final CompletableFuture<MemorySegment> done = new CompletableFuture<>();

  private final Kind kind;
  private final Memory memory;
  private final int root;
  private final long number;
  private final Mpi5 mpi;
  private final int rank;
  private final int ranks;
  private final Arena arena = Arena.ofAuto();
  private final List<Mpi5.Request> pending = new ArrayList<>();
  private MemorySegment[] headers;
  private MemorySegment[] collected;
  private MemorySegment result;
  private final long begun = System.nanoTime();
  private volatile long ended;
  private int phase;
  private long sent;

  /**
   * An exchange that has not begun.
   *
   * @param number counts the exchanges; the same on every rank
   * @param memory of {@link Kind#BYTES} the whole is what this rank passes
   * @param root whose tensor is broadcast; else 0
   */
  Exchange(Kind kind, Memory memory, int root, long number, Mpi5 mpi, int rank, int ranks) {
    this.kind = kind;
    this.memory = memory;
    this.root = root;
    this.number = number;
    this.mpi = mpi;
    this.rank = rank;
    this.ranks = ranks;
  }

  /** Goes as far as it can without waiting; completes {@link #done} at the end. */
  boolean advance() {
    while (pending.removeIf(mpi::isDone) || pending.isEmpty()) {
      if (!pending.isEmpty()) {
        continue;
      }
      switch (phase++) {
        case 0 -> sendHeaders();
        case 1 -> collect();
        case 2 -> handOut();
        default -> {
          ended = System.nanoTime();
          done.complete(result);
          return true;
        }
      }
    }
    return false;
  }

  /** The ranks whose messages are waited for. */
  List<Integer> awaited() {
    return pending.stream().map(Mpi5.Request::peer).distinct().sorted().toList();
  }

  /** When this rank asked for it. */
  long begun() {
    return begun;
  }

  /** When it was over, once it is. */
  long ended() {
    return ended;
  }

  /** Bytes sent to others, headers aside. */
  long bytesSent() {
    return sent;
  }

  private int tag() {
    return (int) (number % TAGS) * 3 + Math.min(phase - 1, 2) + 100;
  }

  private void sendHeaders() {
    headers = new MemorySegment[ranks];
    MemorySegment mine = arena.allocate(HEADER, Long.BYTES);
    mine.setAtIndex(ValueLayout.JAVA_LONG, 0, kind.ordinal());
    mine.setAtIndex(ValueLayout.JAVA_LONG, 1, number);
    mine.setAtIndex(ValueLayout.JAVA_LONG, 2, memory.whole.byteSize());
    mine.setAtIndex(ValueLayout.JAVA_LONG, 3, memory.dtype.ordinal() * 1_000_000L + root);
    headers[rank] = mine;
    for (int peer = 0; peer < ranks; peer++) {
      if (peer != rank) {
        headers[peer] = arena.allocate(HEADER, Long.BYTES);
        pending.add(mpi.receive(headers[peer], peer, tag()));
        pending.add(mpi.send(mine, peer, tag()));
      }
    }
  }

  private void requireAlike() {
    for (int peer = 0; peer < ranks; peer++) {
      boolean alike =
          kind == Kind.BYTES
              ? headers[peer].asSlice(0, 16).mismatch(headers[rank].asSlice(0, 16)) < 0
              : headers[peer].mismatch(headers[rank]) < 0;
      if (!alike) {
        throw new CollectiveException(
            String.format(
                Locale.ROOT,
                "rank %d and rank %d did different things: %s and %s",
                rank,
                peer,
                describe(headers[rank]),
                describe(headers[peer])));
      }
    }
  }

  private static String describe(MemorySegment header) {
    int kind = (int) header.getAtIndex(ValueLayout.JAVA_LONG, 0);
    long code = header.getAtIndex(ValueLayout.JAVA_LONG, 3);
    return String.format(
        Locale.ROOT,
        "%s of %,d bytes of %s as exchange %d",
        Kind.values()[Math.floorMod(kind, Kind.values().length)].name().toLowerCase(Locale.ROOT),
        header.getAtIndex(ValueLayout.JAVA_LONG, 2),
        DType.values()[Math.floorMod(code / 1_000_000, DType.values().length)],
        header.getAtIndex(ValueLayout.JAVA_LONG, 1));
  }

  private void collect() {
    requireAlike();
    if (kind == Kind.SUM || kind == Kind.SUM_SCATTER) {
      collected = new MemorySegment[ranks];
      collected[rank] = part(memory.whole, rank);
      for (int peer = 0; peer < ranks; peer++) {
        if (peer != rank) {
          collected[peer] = arena.allocate(collected[rank].byteSize(), 64);
          receive(collected[peer], peer);
          send(part(memory.whole, peer), peer);
        }
      }
    }
  }

  private void handOut() {
    switch (kind) {
      case SUM -> {
        MemorySegment mine = collected[rank];
        RankSums.sum(collected, memory.dtype, mine);
        collected = null;
        shareParts(mine);
      }
      case SUM_SCATTER -> {
        RankSums.sum(collected, memory.dtype, memory.part);
        collected = null;
      }
      case GATHER -> {
        MemorySegment place = part(memory.whole, rank);
        if (place.address() != memory.part.address()) {
          place.copyFrom(memory.part);
        }
        shareParts(place);
      }
      case BROADCAST -> {
        if (rank == root) {
          for (int peer = 0; peer < ranks; peer++) {
            send(memory.whole, peer);
          }
        } else {
          receive(memory.whole, root);
        }
      }
      case BYTES -> shareBytes();
    }
  }

  private void shareParts(MemorySegment mine) {
    for (int peer = 0; peer < ranks; peer++) {
      receive(part(memory.whole, peer), peer);
      send(mine, peer);
    }
  }

  /** The result is the bytes of all ranks, one after the other, each behind its length. */
  private void shareBytes() {
    long[] lengths = new long[ranks];
    long total = 0;
    for (int peer = 0; peer < ranks; peer++) {
      lengths[peer] = headers[peer].getAtIndex(ValueLayout.JAVA_LONG, 2);
      total += Long.BYTES + lengths[peer];
    }
    result = arena.allocate(total, Long.BYTES);
    long at = 0;
    for (int peer = 0; peer < ranks; peer++) {
      result.set(ValueLayout.JAVA_LONG_UNALIGNED, at, lengths[peer]);
      MemorySegment place = result.asSlice(at + Long.BYTES, lengths[peer]);
      if (peer == rank) {
        place.copyFrom(memory.whole);
      }
      receive(place, peer);
      send(memory.whole, peer);
      at += Long.BYTES + lengths[peer];
    }
  }

  /** A rank's part of a row of elements. */
  private MemorySegment part(MemorySegment whole, int of) {
    int width = memory.dtype.bytes();
    long n = whole.byteSize() / width;
    long from = n * of / ranks;
    long to = n * (of + 1) / ranks;
    return whole.asSlice(from * width, (to - from) * width);
  }

  private void send(MemorySegment bytes, int peer) {
    for (long at = 0; peer != rank && at < bytes.byteSize(); at += Mpi5.MOST_BYTES) {
      long count = Math.min(Mpi5.MOST_BYTES, bytes.byteSize() - at);
      pending.add(mpi.send(bytes.asSlice(at, count), peer, tag()));
      sent += count;
    }
  }

  private void receive(MemorySegment bytes, int peer) {
    for (long at = 0; peer != rank && at < bytes.byteSize(); at += Mpi5.MOST_BYTES) {
      long count = Math.min(Mpi5.MOST_BYTES, bytes.byteSize() - at);
      pending.add(mpi.receive(bytes.asSlice(at, count), peer, tag()));
    }
  }
}
