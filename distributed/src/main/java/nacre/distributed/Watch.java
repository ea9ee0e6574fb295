package nacre.distributed;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Finds out that a rank is lost. Every rank sends rank 0 a beat every two seconds, and rank 0 every
 * rank; who is silent too long has died or is cut off. On one host a process that has ended is seen
 * at once. And with its beats each rank says how long it has been at its present step: where one
 * waits for another whose step takes far longer than any before, that one hangs.
 */
final class Watch {
  /** Where a rank runs, as {@link World} exchanges it at the start. */
  record Place(String host, String processes, long pid) {}

  private static final long BEAT_MILLIS = 2000;
  private static final long LOOK_MILLIS = 500;
  private static final int BEAT = 2 * Long.BYTES;
  private static final int TAG = 1;

  /** Others wait so much longer for the one whose turn it is to tell of a rank that is lost. */
  private static final long GRACE_MILLIS = 3000;

  /** How long it may take from the end of one rank, which told why, to that of the others. */
  private static final long ENDING_MILLIS = 2000;

  /**
   * A step that takes so many times longer than the longest before hangs; the first, for which much
   * is compiled, where it takes so many times the timeout.
   */
  private static final long FACTOR = 10;

  /** Where all wait, the links may have become slow, and so many times longer is left to them. */
  private static final long PATIENCE = 4;

  private final int rank;
  private final List<Place> places;
  private final long timeoutMillis;
  private final LongSupplier clock;
  private final BooleanSupplier deviceWaits;
  private final Consumer<String> lost;
  private final Arena arena = Arena.ofAuto();
  private final MemorySegment[] received;
  private final Mpi5.Request[] receiving;
  private final Mpi5.Request[] sending;
  private final MemorySegment[] mine;
  private final long[] heard;
  private final long[] stepMillis;
  private final boolean[] awaits;
  private Mpi5 mpi;
  private long beaten;
  private long looked;
  private long noticed; // when a process was first seen to have ended
  private boolean told;

  // What the thread that computes says.
  private volatile long stepBegun; // 0 while it does something that may take long
  private volatile long longest;

  /**
   * A watch that has not begun.
   *
   * @param places of all ranks
   * @param timeoutMillis after how much silence a rank counts as lost
   * @param clock milliseconds
   * @param deviceWaits whether this rank waits for its device, and so perhaps for other ranks
   * @param lost is told of it in one line, once
   */
  Watch(
      int rank,
      List<Place> places,
      long timeoutMillis,
      LongSupplier clock,
      BooleanSupplier deviceWaits,
      Consumer<String> lost) {
    this.rank = rank;
    this.places = places;
    this.timeoutMillis = timeoutMillis;
    this.clock = clock;
    this.deviceWaits = deviceWaits;
    this.lost = lost;
    int ranks = places.size();
    received = new MemorySegment[ranks];
    receiving = new Mpi5.Request[ranks];
    sending = new Mpi5.Request[ranks];
    mine = new MemorySegment[ranks];
    heard = new long[ranks];
    stepMillis = new long[ranks];
    awaits = new boolean[ranks];
  }

  void begin(Mpi5 by) {
    mpi = by;
    for (int peer = 0; peer < places.size(); peer++) {
      heard[peer] = clock.getAsLong();
      if (isPartner(peer)) {
        received[peer] = arena.allocate(BEAT, Long.BYTES);
        mine[peer] = arena.allocate(BEAT, Long.BYTES);
        receiving[peer] = mpi.receive(received[peer], peer, TAG, Arena.ofAuto());
      }
    }
  }

  private boolean isPartner(int peer) {
    return peer != rank && (rank == 0 || peer == 0);
  }

  /** A step has begun, and so the one before is over. */
  void step() {
    long now = clock.getAsLong();
    long begun = stepBegun;
    if (begun > 0) {
      longest = Math.max(longest, now - begun);
    }
    stepBegun = now;
  }

  /** What comes may take long: nobody hangs until the next step. */
  void pause() {
    stepBegun = 0;
  }

  /** Looks after the others; called often. */
  void look(Supplier<List<Integer>> awaited) {
    long now = clock.getAsLong();
    if (told || now - looked < LOOK_MILLIS) {
      return;
    }
    if (looked != 0 && now - looked > timeoutMillis / 2) {
      forgive(now);
    }
    looked = now;
    String found = tellsOfGone(now) ? gone() : null;
    if (found == null) {
      exchangeBeats(now, !awaited.get().isEmpty() || deviceWaits.getAsBoolean());
      long turn = rank == 1 ? GRACE_MILLIS : 2 * GRACE_MILLIS;
      found = rank == 0 ? judge(now) : silent(0, now, timeoutMillis + turn);
    }
    if (found != null) {
      told = true;
      lost.accept(found);
    }
  }

  /** This process itself stood still, and so has heard of nobody. */
  private void forgive(long now) {
    Arrays.fill(heard, now);
    stepBegun = stepBegun == 0 ? 0 : now;
  }

  /** Whether a process of this host has ended, and it is for this rank to say so. */
  private boolean tellsOfGone(long now) {
    boolean first = true;
    boolean any = false;
    for (int peer = 0; peer < places.size(); peer++) {
      boolean gone = isGone(peer);
      any |= gone;
      first &= peer >= rank || gone || !isNear(peer);
    }
    noticed = !any ? 0 : noticed == 0 ? now : noticed;
    return any && now - noticed >= (first ? ENDING_MILLIS : ENDING_MILLIS + GRACE_MILLIS);
  }

  private void exchangeBeats(long now, boolean waits) {
    boolean due = now - beaten >= BEAT_MILLIS;
    beaten = due ? now : beaten;
    long begun = stepBegun;
    stepMillis[rank] = begun == 0 ? 0 : now - begun;
    awaits[rank] = waits;
    for (int peer = 0; peer < places.size(); peer++) {
      if (!isPartner(peer)) {
        continue;
      }
      while (mpi.isDone(receiving[peer])) {
        heard[peer] = now;
        stepMillis[peer] = received[peer].get(ValueLayout.JAVA_LONG, 0);
        awaits[peer] = received[peer].get(ValueLayout.JAVA_LONG, Long.BYTES) != 0;
        receiving[peer] = mpi.receive(received[peer], peer, TAG, Arena.ofAuto());
      }
      // One at a time: a rank that takes none is not sent more of them.
      if (due && (sending[peer] == null || mpi.isDone(sending[peer]))) {
        mine[peer].set(ValueLayout.JAVA_LONG, 0, stepMillis[rank]);
        mine[peer].set(ValueLayout.JAVA_LONG, Long.BYTES, waits ? 1 : 0);
        sending[peer] = mpi.send(mine[peer], peer, TAG, Arena.ofAuto());
      }
    }
  }

  /** Who is silent or hangs, in words; null if nobody is. */
  private String judge(long now) {
    boolean anybodyWaits = false;
    for (boolean waits : awaits) {
      anybodyWaits |= waits;
    }
    long limit = longest == 0 ? FACTOR * timeoutMillis : Math.max(timeoutMillis, FACTOR * longest);
    boolean allHang = true;
    for (int peer = 0; peer < places.size(); peer++) {
      String silent = peer == 0 ? null : silent(peer, now, timeoutMillis);
      if (silent != null) {
        return silent;
      }
      if (anybodyWaits && !awaits[peer] && stepMillis[peer] > limit) {
        return String.format(
            Locale.ROOT,
            "%s hangs: others wait for it since %,d s, %s",
            describe(peer),
            stepMillis[peer] / 1000,
            before());
      }
      allHang &= awaits[peer] && stepMillis[peer] > PATIENCE * limit;
    }
    return !allHang
        ? null
        : String.format(
            Locale.ROOT,
            "all ranks wait for each other or for their devices since %,d s, %s",
            stepMillis[rank] / 1000,
            before());
  }

  private String before() {
    return longest == 0
        ? "in the first step"
        : String.format(Locale.ROOT, "and no step took more than %,d s before", longest / 1000 + 1);
  }

  private String silent(int peer, long now, long limit) {
    return now - heard[peer] <= limit
        ? null
        : String.format(
            Locale.ROOT,
            "%s has not been heard of for %,d s: it died, stands still, or is cut off",
            describe(peer),
            (now - heard[peer]) / 1000);
  }

  /** A rank of this host whose process has ended, in words; null if there is none. */
  String gone() {
    for (int peer = 0; peer < places.size(); peer++) {
      if (isGone(peer)) {
        return describe(peer) + " has died";
      }
    }
    return null;
  }

  private boolean isNear(int peer) {
    return places.get(peer).processes().equals(places.get(rank).processes());
  }

  private boolean isGone(int peer) {
    return peer != rank && isNear(peer) && !isAlive(places.get(peer).pid());
  }

  private static boolean isAlive(long pid) {
    try {
      String line = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
      String state = line.substring(line.lastIndexOf(')') + 1).strip();
      return !state.startsWith("Z") && !state.startsWith("X");
    } catch (IOException e) {
      return false;
    }
  }

  private String describe(int peer) {
    return String.format(
        Locale.ROOT,
        "rank %d (process %d on %s)",
        peer,
        places.get(peer).pid(),
        places.get(peer).host());
  }
}
