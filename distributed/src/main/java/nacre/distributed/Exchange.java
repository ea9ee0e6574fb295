package nacre.distributed;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import nacre.tensor.DType;
import nacre.tensor.spi.CollectiveException;

/**
 * Something that all ranks do together, by messages between each two of them. First each tells the
 * others what it is about to do, so that ranks that went different ways are found out rather than
 * mix up their numbers, and beside that it passes the parts of a sum, each to the rank whose part
 * it is; then parts are handed out. The bytes on the wire are those of a ring.
 */
final class Exchange {
  /** What is done. */
  enum Kind {
    SUM,
    MEAN,
    MEAN_SCATTER,
    GATHER,
    BROADCAST,
    BYTES;

    private boolean adds() {
      return this == SUM || this == MEAN || this == MEAN_SCATTER;
    }
  }

  private static final int HEADER = 4 * Long.BYTES;

  /** Tags of an exchange: of what is told, of what is added, and of what is handed out. */
  private static final int TAGS = 3;

  /** So many exchanges have tags of their own: as many as MPI has at least, none of the watch's. */
  private static final int EXCHANGES = 8192;

  /** Memory of an exchange: what is summed or handed out, whole, and where the own part lies. */
  record Memory(MemorySegment whole, MemorySegment part, DType dtype) {}

  final CompletableFuture<MemorySegment> done = new CompletableFuture<>();

  private final Kind kind;
  private final Memory memory;
  private final int root;
  private final long number;
  private final Mpi5 mpi;
  private final Buffers buffers;
  private final int rank;
  private final int ranks;
  private final Arena arena = Arena.ofAuto();
  private final List<Mpi5.Request> telling = new ArrayList<>();
  private final List<Mpi5.Request> passing = new ArrayList<>();
  private MemorySegment[] headers;
  private MemorySegment[] terms;
  private MemorySegment result;
  private final long begun = System.nanoTime();
  private volatile long ended;
  private State state = State.NEW;
  private long sent;

  private enum State {
    NEW,
    TELLING,
    ADDING,
    HANDING_OUT
  }

  /**
   * An exchange that has not begun.
   *
   * @param number counts the exchanges; the same on every rank
   * @param memory of {@link Kind#BYTES} the whole is what this rank passes
   * @param root whose tensor is broadcast; else 0
   */
  Exchange(
      Kind kind,
      Memory memory,
      int root,
      long number,
      Mpi5 mpi,
      Buffers buffers,
      int rank,
      int ranks) {
    this.kind = kind;
    this.memory = memory;
    this.root = root;
    this.number = number;
    this.mpi = mpi;
    this.buffers = buffers;
    this.rank = rank;
    this.ranks = ranks;
  }

  /** Goes as far as it can without waiting; completes {@link #done} at the end. */
  boolean advance() {
    if (state == State.NEW) {
      tell();
      passTerms();
      state = State.TELLING;
    }
    if (state == State.TELLING && isOver(telling)) {
      requireAlike(); // before anything is taken from others, or an error of theirs is met
      state = State.ADDING;
    }
    if (state == State.ADDING && isOver(passing)) {
      handOut();
      state = State.HANDING_OUT;
    }
    if (state == State.HANDING_OUT && isOver(passing)) {
      ended = System.nanoTime();
      done.complete(result);
      return true;
    }
    return false;
  }

  private boolean isOver(List<Mpi5.Request> messages) {
    messages.removeIf(mpi::isDone);
    return messages.isEmpty();
  }

  /** The ranks whose messages are waited for. */
  List<Integer> awaited() {
    return Stream.concat(telling.stream(), passing.stream())
        .map(Mpi5.Request::peer)
        .distinct()
        .sorted()
        .toList();
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

  private int told() {
    return (int) (number % EXCHANGES) * TAGS + 100;
  }

  /** Of what is passed now: what is to be added, or handed out. */
  private int tag() {
    return told() + (state == State.NEW ? 1 : 2);
  }

  private void tell() {
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
        telling.add(mpi.receive(headers[peer], peer, told(), arena));
        telling.add(mpi.send(mine, peer, told(), arena));
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

  private void passTerms() {
    if (kind.adds()) {
      terms = new MemorySegment[ranks];
      terms[rank] = part(memory.whole, rank);
      for (int peer = 0; peer < ranks; peer++) {
        if (peer != rank) {
          terms[peer] = buffers.take(terms[rank].byteSize());
          receive(terms[peer], peer);
          send(part(memory.whole, peer), peer);
        }
      }
    }
  }

  /** The sum, or mean, of what all ranks have of the own part. */
  private void add(MemorySegment into) {
    RankSums.sum(terms, memory.dtype, kind == Kind.SUM ? 1 : 1f / ranks, into);
    for (int peer = 0; peer < ranks; peer++) {
      if (peer != rank) {
        buffers.giveBack(terms[peer]);
      }
    }
    terms = null;
  }

  private void handOut() {
    switch (kind) {
      case SUM, MEAN -> {
        MemorySegment mine = terms[rank];
        add(mine);
        shareParts(mine);
      }
      case MEAN_SCATTER -> add(memory.part);
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
      passing.add(mpi.send(bytes.asSlice(at, count), peer, tag(), arena));
      sent += count;
    }
  }

  private void receive(MemorySegment bytes, int peer) {
    for (long at = 0; peer != rank && at < bytes.byteSize(); at += Mpi5.MOST_BYTES) {
      long count = Math.min(Mpi5.MOST_BYTES, bytes.byteSize() - at);
      passing.add(mpi.receive(bytes.asSlice(at, count), peer, tag(), arena));
    }
  }
}
