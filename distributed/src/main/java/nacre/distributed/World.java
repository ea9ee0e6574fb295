package nacre.distributed;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import nacre.bindings.MpiLibrary;
import nacre.bindings.NativeLibrary;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Setting;
import nacre.tensor.Settings;
import nacre.tensor.spi.CollectiveException;
import nacre.tensor.spi.Collectives;
import nacre.tensor.spi.Rendezvous;
import nacre.tensor.spi.Requirement;

/**
 * All ranks of a run: the processes that a launcher of MPI started together. There is one in a
 * process. Its methods are called by one thread, and those that are a {@link Rendezvous} by all
 * ranks in the same order.
 */
public final class World implements Rendezvous, AutoCloseable {
  /** How long a rank waits for MPI to end. */
  private static final long END_MILLIS = 10_000;

  private final MpiThread mpi;
  private final MpiCollectives host;
  private final List<Watch.Place> places;
  private final Watch watch;
  private final List<Collectives> devices = new CopyOnWriteArrayList<>();
  private volatile Consumer<String> lost = _ -> {};

  private World(MpiThread mpi, String library, long timeoutMillis) {
    this.mpi = mpi;
    this.host = new MpiCollectives(mpi, library);
    this.places = meet();
    this.watch =
        new Watch(
            mpi.rank(),
            places,
            timeoutMillis,
            () -> System.nanoTime() / 1_000_000,
            () -> devices.stream().anyMatch(Collectives::waits),
            this::lose);
    mpi.watch(watch);
  }

  /** The library of MPI that would serve here, whether or not a launcher is at work. */
  public static Requirement library(Settings settings) {
    return switch (find(settings).found()) {
      case NativeLibrary.Loaded(String name, String version, Path file) ->
          new Requirement(name, true, version + ", " + file);
      case NativeLibrary.Unavailable(String name, String reason) ->
          new Requirement(name, false, reason.substring(name.length() + 2), true);
    };
  }

  private static MpiLibrary find(Settings settings) {
    return MpiLibrary.find(settings.get(Setting.MPI_LIBS), settings.environment());
  }

  /**
   * Joins the others, if a launcher started this process; else nothing is loaded.
   *
   * @throws IllegalStateException in one line, if there is no library that could be used
   */
  public static Optional<World> join(Settings settings) {
    Optional<Launcher> launcher = Launcher.of(settings.environment());
    if (launcher.isEmpty()) {
      return Optional.empty();
    }
    MpiLibrary library = find(settings);
    return switch (library.found()) {
      case NativeLibrary.Unavailable(String _, String reason) ->
          throw new IllegalStateException(
              "started by " + launcher.get().name() + ", but cannot join its ranks: " + reason);
      case NativeLibrary.Loaded loaded ->
          Optional.of(
              new World(
                  new MpiThread(library.constants()),
                  loaded.version() + ", " + loaded.file(),
                  settings.rankTimeout().toMillis()));
    };
  }

  private List<Watch.Place> meet() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      String boot = read(Path.of("/proc/sys/kernel/random/boot_id"));
      out.writeUTF(read(Path.of("/proc/sys/kernel/hostname")));
      out.writeUTF(boot + " " + link(Path.of("/proc/self/ns/pid")));
      out.writeLong(ProcessHandle.current().pid());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    List<Watch.Place> found = new ArrayList<>();
    for (byte[] each : all(bytes.toByteArray())) {
      try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(each))) {
        found.add(new Watch.Place(in.readUTF(), in.readUTF(), in.readLong()));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return List.copyOf(found);
  }

  private static String read(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      return "?";
    }
  }

  private static String link(Path file) {
    try {
      return Files.readSymbolicLink(file).toString();
    } catch (IOException e) {
      return "?";
    }
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
  public int localRank() {
    String host = places.get(rank()).host();
    return (int) places.subList(0, rank()).stream().filter(p -> p.host().equals(host)).count();
  }

  @Override
  public int localRanks() {
    String host = places.get(rank()).host();
    return (int) places.stream().filter(p -> p.host().equals(host)).count();
  }

  @Override
  public byte[] fromFirst(byte[] bytes) {
    return all(rank() == 0 ? bytes : new byte[0])[0];
  }

  @Override
  public byte[][] all(byte[] mine) {
    MemorySegment memory = Arena.ofAuto().allocate(mine.length, Long.BYTES);
    memory.copyFrom(MemorySegment.ofArray(mine));
    Exchange exchange =
        mpi.start(Exchange.Kind.BYTES, new Exchange.Memory(memory, memory, DType.U8), 0);
    MemorySegment answer = mpi.await(exchange);
    byte[][] split = new byte[ranks()][];
    long at = 0;
    for (int peer = 0; peer < split.length; peer++) {
      long length = answer.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
      split[peer] = answer.asSlice(at + Long.BYTES, length).toArray(ValueLayout.JAVA_BYTE);
      at += Long.BYTES + length;
    }
    return split;
  }

  @Override
  public void barrier() {
    all(new byte[0]);
  }

  /** What exchanges tensors of a device: its own, or MPI's where they lie in the host's memory. */
  public Collectives collectives(Device device) {
    Optional<Collectives> own = device.backend().collectives(this);
    own.ifPresent(devices::add);
    if (own.isEmpty() && !device.isHost()) {
      throw new IllegalStateException(
          device + ": this device has nothing to exchange tensors between ranks with");
    }
    return own.orElse(host);
  }

  private void lose(String line) {
    lost.accept(line);
    mpi.giveUp(new CollectiveException(line));
  }

  /** One line: which library serves. */
  public String describe() {
    return host.describe();
  }

  /**
   * Says what to do when a rank is lost: it is told in one line, by a thread of the world's own, on
   * one rank some seconds before the others, so that it can {@link #abort} them. What waits for an
   * exchange afterwards throws that line.
   */
  public void onLoss(Consumer<String> act) {
    lost = act;
  }

  /** A rank whose process has ended, if it ran on this host; in words. */
  public Optional<String> gone() {
    return Optional.ofNullable(watch.gone());
  }

  /** A step begins. A rank whose step takes far longer than usual, or than a first may, hangs. */
  public void step() {
    watch.step();
  }

  /** What comes may take long, such as an evaluation: nobody hangs until the next step. */
  public void pause() {
    watch.pause();
  }

  /** Ends all ranks at once, this one included. Does not return. */
  public void abort(int status) {
    mpi.abort(status, 2000);
    Runtime.getRuntime().halt(status);
  }

  /** Parts the ranks, when all have called it. */
  @Override
  public void close() {
    mpi.end(END_MILLIS);
  }
}
