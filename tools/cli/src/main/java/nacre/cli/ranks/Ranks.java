package nacre.cli.ranks;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import nacre.distributed.Launcher;
import nacre.distributed.World;
import nacre.neuralassets.data.Share;
import nacre.tensor.Device;
import nacre.tensor.Settings;
import nacre.tensor.spi.Collectives;
import nacre.tensor.spi.Rendezvous;

/**
 * The processes that do a command together: one, unless a launcher of MPI has started several. The
 * first prints and writes what there is one of; a failure is told once.
 */
public final class Ranks {
  private static final Ranks ALONE = new Ranks(null);

  /** How long other ranks leave it to the first to say what all have found, and to end them. */
  private static final Duration FIRST = Duration.ofSeconds(5);

  /** How long a launcher may take to pass on a line. Open MPI's drops what it has not read. */
  private static final Duration PASSED_ON = Duration.ofMillis(500);

  /** How long a file that one host wrote may take to be seen by others. */
  private static final Duration SEEN = Duration.ofSeconds(20);

  private static Ranks current = ALONE;

  private final World world; // null for a process alone
  private final Map<Device, Collectives> exchanges = new HashMap<>();
  private volatile Supplier<String> hint = () -> "";

  private Ranks(World world) {
    this.world = world;
  }

  /** One process by itself. */
  public static Ranks alone() {
    return ALONE;
  }

  /** Those of this process. */
  public static Ranks current() {
    return current;
  }

  /**
   * Joins the others, before anything is computed, if a launcher started this process. One that was
   * started alone, as by {@code srun -n 1}, needs no library.
   *
   * @param err where it is told that a rank is lost, which ends this process
   * @throws IllegalStateException in one line, if there is no library that could be used
   */
  public static void join(Settings settings, PrintWriter err) {
    if (Launcher.of(settings.environment()).filter(Launcher::isOnly).isPresent()) {
      return;
    }
    World.join(settings)
        .ifPresent(
            world -> {
              Ranks joined = new Ranks(world);
              world.onLoss(line -> joined.end(line, err));
              HostShare.of(world).apply(settings);
              current = joined;
            });
  }

  private void end(String line, PrintWriter err) {
    err.println("nacre: " + line + hint.get());
    err.flush();
    abort(world, 1);
  }

  /** Ends all; the launcher first gets time to pass on what was said. */
  private static void abort(World world, int status) {
    pause(PASSED_ON);
    world.abort(status);
  }

  private static void pause(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Leaves the others at the end of this process. If that ends badly they are ended, too.
   *
   * @param orderly whether all end alike
   */
  public static void leave(int status, boolean orderly) {
    World world = current.world;
    if (world != null) {
      if (orderly) {
        current.exchanges.values().forEach(Collectives::close);
        world.close();
      } else {
        abort(world, status);
      }
    }
  }

  /** Whether there are several. */
  public boolean several() {
    return ranks() > 1;
  }

  /** The number of this process, from 0. */
  public int rank() {
    return rendezvous().rank();
  }

  /** How many there are. */
  public int ranks() {
    return rendezvous().ranks();
  }

  /** Whether this is the one that prints and writes. */
  public boolean isFirst() {
    return rank() == 0;
  }

  /** This process's share of work that all divide. */
  public Share share() {
    return new Share(rank(), ranks());
  }

  /** By which they pass bytes. */
  public Rendezvous rendezvous() {
    return world == null ? Rendezvous.ALONE : world;
  }

  /** By which they exchange a device's tensors; null for a process alone. */
  public Collectives collectives(Device device) {
    return several() ? exchanges.computeIfAbsent(device, world::collectives) : null;
  }

  /** What this rank has sent in some steps, in words. */
  public String traffic(Device device, long steps) {
    Collectives exchanged = collectives(device);
    String sent =
        String.format(
            Locale.ROOT, "%.1f MB by each rank a step", exchanged.bytesSent() / 1e6 / steps);
    return exchanged
        .timing()
        .map(
            t ->
                String.format(
                    Locale.ROOT,
                    "%s, %.1f ms of exchange, %.0f %% of them while backward went on",
                    sent,
                    1e3 * t.seconds() / steps,
                    100 * t.hidden()))
        .orElse(sent);
  }

  /** What exchanges a device's tensors, in one line. */
  public String describe(Device device) {
    return collectives(device).describe();
  }

  /**
   * The device of this rank: of those of a host's ranks that ask for any GPU, each has another, as
   * far as there are as many.
   *
   * @param name as {@code --device} has it
   */
  public String device(String name, Settings settings) {
    if (!several() || !name.matches("auto|[a-z]+")) {
      return name;
    }
    return Device.kinds().stream()
        .filter(k -> name.equals("auto") ? k.preference(settings) >= 0 : k.kind().equals(name))
        .max(Comparator.comparingInt(k -> k.preference(settings)))
        .filter(k -> k.count(settings) > 1)
        .map(k -> k.deviceName(world.localRank() % k.count(settings), settings))
        .orElse(name);
  }

  /** Who says what goes wrong, before its line; empty for the first. */
  public String speaker() {
    return isFirst() ? "" : String.format(Locale.ROOT, "rank %d: ", rank());
  }

  /**
   * Waits a little, so that the first says what all have found, and ends all. What only this rank
   * has found is its own to say.
   */
  public void leaveItToFirst() {
    if (!isFirst()) {
      pause(FIRST);
    }
  }

  /** A rank that is known to be lost, in a line for the user. */
  public Optional<String> lost() {
    return world == null ? Optional.empty() : world.gone().map(line -> line + hint.get());
  }

  /** What follows the line that a rank is lost. */
  public void onLoss(Supplier<String> more) {
    hint = more;
  }

  /** A step begins; one that takes far longer than others hangs. */
  public void step() {
    if (world != null) {
      world.step();
    }
  }

  /** What comes may take long. */
  public void pause() {
    if (world != null) {
      world.pause();
    }
  }

  /** What the first rank says, on all of them. */
  public String ofFirst(String text) {
    byte[] bytes = isFirst() ? text.getBytes(StandardCharsets.UTF_8) : null;
    return new String(rendezvous().fromFirst(bytes), StandardCharsets.UTF_8);
  }

  /** Whether something is so for the first rank, on all of them. */
  public boolean ofFirst(boolean isSo) {
    return !ofFirst(isSo ? "yes" : "").isEmpty();
  }

  /** Whether something is so for any rank. */
  public boolean any(boolean isSo) {
    boolean any = false;
    for (byte[] one : rendezvous().all(new byte[] {(byte) (isSo ? 1 : 0)})) {
      any |= one[0] != 0;
    }
    return any;
  }

  /** The lines of all ranks, in the order of ranks. */
  public List<String> lines(List<String> mine) {
    List<String> all = new ArrayList<>();
    String text = String.join("\n", mine);
    for (byte[] bytes : rendezvous().all(text.getBytes(StandardCharsets.UTF_8))) {
      new String(bytes, StandardCharsets.UTF_8).lines().forEach(all::add);
    }
    return all;
  }

  /** The sum of a number over the ranks. */
  public long sum(long mine) {
    long sum = 0;
    byte[] bytes = ByteBuffer.allocate(Long.BYTES).putLong(mine).array();
    for (byte[] one : rendezvous().all(bytes)) {
      sum += ByteBuffer.wrap(one).getLong();
    }
    return sum;
  }

  /**
   * Requires all ranks to have the same.
   *
   * @param what it is, in plural
   * @throws IllegalStateException on all of them, if one has other
   */
  public void requireSame(String what, byte[] digest) {
    byte[][] all = rendezvous().all(digest);
    for (int rank = 1; rank < all.length; rank++) {
      if (!Arrays.equals(all[0], all[rank])) {
        throw new IllegalStateException(
            String.format(
                Locale.ROOT,
                "rank %d has other %s than rank 0: start the same version with the same options and"
                    + " files on every host",
                rank,
                what));
      }
    }
  }

  /**
   * Requires all ranks to see a folder of the first.
   *
   * @throws IllegalStateException on all of them, if one does not
   */
  public void requireShared(Path folder) throws IOException {
    if (!several()) {
      return;
    }
    Path mark = folder.resolve(ofFirst(isFirst() ? ".seen-" + UUID.randomUUID() : null));
    if (isFirst()) {
      Files.createFile(mark);
    }
    try {
      rendezvous().barrier();
      byte[][] seen = rendezvous().all(new byte[] {(byte) (isSeen(mark) ? 1 : 0)});
      for (int rank = 0; rank < seen.length; rank++) {
        if (seen[rank][0] == 0) {
          throw new IllegalStateException(
              String.format(
                  Locale.ROOT,
                  "rank %d does not see %s of rank 0: give a folder on a file system that all hosts"
                      + " share",
                  rank,
                  folder.toAbsolutePath()));
        }
      }
    } finally {
      if (isFirst()) {
        Files.delete(mark);
      }
    }
  }

  private static boolean isSeen(Path mark) {
    long until = System.nanoTime() + SEEN.toNanos();
    while (!Files.exists(mark)) {
      if (System.nanoTime() > until) {
        return false;
      }
      pause(Duration.ofMillis(100));
    }
    return true;
  }
}
