package nacre.tensor.cuda.nccl;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import nacre.bindings.CudaLibraries;
import nacre.bindings.CudaLibrary;
import nacre.bindings.NativeLibrary;
import nacre.bindings.nccl.Nccl;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.cuda.driver.CudaDevice;
import nacre.tensor.spi.CollectiveException;
import nacre.tensor.spi.Collectives;
import nacre.tensor.spi.Rendezvous;

/**
 * Ranks with a GPU each, by NCCL, on a stream of its own beside the GPU's: what is computed goes on
 * while gradients travel. Inside of a captured step an exchange is part of its graph.
 *
 * <p>A rank that is lost is noticed where NCCL notices it; kernels that wait for it are given up,
 * and the next exchange, replay or download throws. Bytes sent are counted as by NCCL's ring, which
 * other algorithms of it need not follow.
 */
public final class NcclCollectives implements Collectives {
  private final CudaDevice device;
  private final Communicator communicator;
  private final SideStream side;
  private final String library;
  private final int rank;
  private final int ranks;
  private final Runnable soundness;
  private long sent;

  private NcclCollectives(
      CudaDevice device, Communicator communicator, String library, Rendezvous group) {
    this.device = device;
    this.communicator = communicator;
    this.library = library;
    rank = group.rank();
    ranks = group.ranks();
    soundness = communicator::requireSound;
    side = new SideStream(device);
    device.addDownloadCheck(soundness);
  }

  /**
   * Joins the others, who call it too. A process that is alone and has no NCCL gets none.
   *
   * @throws CollectiveException on every rank, if NCCL is missing on one, of another version, or
   *     does not find the others
   */
  public static Optional<Collectives> join(CudaDevice device, Rendezvous group) {
    NativeLibrary found = CudaLibraries.find(CudaLibrary.NCCL);
    if (!found.isLoaded() && group.ranks() == 1) {
      return Optional.empty();
    }
    agree(group, found instanceof NativeLibrary.Unavailable none ? none.reason() : "");
    NativeLibrary.Loaded nccl = (NativeLibrary.Loaded) found;
    requireOneVersion(group, nccl.version());
    String library = nccl.name() + " " + nccl.version() + ", " + nccl.file();
    NcclCollectives joined = null;
    String failure = "";
    byte[] id = group.fromFirst(group.rank() == 0 ? Communicator.newId() : null);
    device.enter();
    try {
      Communicator communicator = new Communicator(id, group.rank(), group.ranks());
      joined = new NcclCollectives(device, communicator, library, group);
    } catch (CollectiveException e) {
      failure = e.getMessage();
    } finally {
      device.leave();
    }
    agree(group, failure);
    return Optional.of(joined);
  }

  /** Fails on every rank if one has a failure to tell. */
  private static void agree(Rendezvous group, String failure) {
    byte[][] failures = group.all(failure.getBytes(StandardCharsets.UTF_8));
    for (int r = 0; r < failures.length; r++) {
      if (failures[r].length > 0) {
        String text = new String(failures[r], StandardCharsets.UTF_8);
        throw new CollectiveException(
            text.startsWith("nccl: ") ? text : "nccl: rank " + r + ": " + text);
      }
    }
  }

  private static void requireOneVersion(Rendezvous group, String version) {
    byte[][] versions = group.all(version.getBytes(StandardCharsets.UTF_8));
    for (int r = 1; r < versions.length; r++) {
      String first = new String(versions[0], StandardCharsets.UTF_8);
      String other = new String(versions[r], StandardCharsets.UTF_8);
      if (!other.equals(first)) {
        throw new CollectiveException(
            String.format(
                Locale.ROOT,
                "nccl: version %s on rank 0, %s on rank %d; install the same on every host",
                first,
                other,
                r));
      }
    }
  }

  @Override
  public String describe() {
    return library;
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int ranks() {
    return ranks;
  }

  @Override
  public void startSum(Tensor x) {
    reduce(x, summable("sum", x), Nccl.ncclSum());
  }

  @Override
  public void startMean(Tensor x) {
    reduce(x, averageable("mean", x), Nccl.ncclAvg());
  }

  private void reduce(Tensor x, int type, int operation) {
    start(
        "ncclAllReduce",
        x,
        2 * x.bytes() * (ranks - 1) / ranks,
        (comm, stream) ->
            Nccl.ncclAllReduce(at(x), at(x), x.elements(), type, operation, comm, stream));
  }

  @Override
  public void startMeanScatter(Tensor x, Tensor part) {
    int type = averageable("meanScatter", x);
    requireParts("meanScatter", x, part);
    start(
        "ncclReduceScatter",
        part,
        part.bytes() * (ranks - 1),
        (comm, stream) ->
            Nccl.ncclReduceScatter(
                at(x), at(part), part.elements(), type, Nccl.ncclAvg(), comm, stream));
  }

  @Override
  public void startGather(Tensor part, Tensor x) {
    requireParts("gather", x, part);
    start(
        "ncclAllGather",
        x,
        part.bytes() * (ranks - 1),
        (comm, stream) ->
            Nccl.ncclAllGather(at(part), at(x), part.elements(), type(x), comm, stream));
  }

  @Override
  public void broadcast(Tensor x, int root) {
    if (root < 0 || root >= ranks) {
      throw new IllegalArgumentException("broadcast: no rank " + root + " among " + ranks);
    }
    // The last of the ring passes nothing on.
    boolean last = rank == (root + ranks - 1) % ranks;
    start(
        "ncclBroadcast",
        x,
        last ? 0 : x.bytes(),
        (comm, stream) ->
            Nccl.ncclBroadcast(at(x), at(x), x.elements(), type(x), root, comm, stream));
    join();
  }

  /** A call of NCCL, which puts work on a stream. */
  @FunctionalInterface
  private interface Call {
    int on(MemorySegment communicator, MemorySegment stream);
  }

  private void start(String name, Tensor written, long bytes, Call call) {
    written.written(name);
    if (written.elements() == 0) {
      return;
    }
    device.enter();
    try {
      communicator.check(call.on(communicator.handle(), side.fork()), name);
      device.atEachRun(
          () -> {
            communicator.requireSound();
            sent += bytes;
          });
    } finally {
      device.leave();
    }
  }

  @Override
  public void join() {
    device.enter();
    try {
      side.join();
    } finally {
      device.leave();
    }
    communicator.requireSound();
  }

  private int summable(String what, Tensor x) {
    if (x.dtype() == DType.F16 || x.dtype() == DType.U8) {
      throw new IllegalArgumentException(
          what + ": " + x.describe() + ": sums are of f32, bf16, i32 or i64");
    }
    return type(x);
  }

  private int averageable(String what, Tensor x) {
    if (x.dtype() != DType.F32 && x.dtype() != DType.BF16) {
      throw new IllegalArgumentException(what + ": " + x.describe() + ": means are of f32 or bf16");
    }
    return type(x);
  }

  private void requireParts(String what, Tensor x, Tensor part) {
    if (part.dtype() != x.dtype() || part.elements() * ranks != x.elements()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s: %s is not one of %d parts of %s",
              what,
              part.describe(),
              ranks,
              x.describe()));
    }
  }

  private static int type(Tensor x) {
    return switch (x.dtype()) {
      case F32 -> Nccl.ncclFloat32();
      case BF16 -> Nccl.ncclBfloat16();
      case F16 -> Nccl.ncclFloat16();
      case I32 -> Nccl.ncclInt32();
      case I64 -> Nccl.ncclInt64();
      case U8 -> Nccl.ncclUint8();
    };
  }

  private static MemorySegment at(Tensor x) {
    return MemorySegment.ofAddress(x.address());
  }

  @Override
  public long bytesSent() {
    return sent;
  }

  @Override
  public boolean waits() {
    return device.waits();
  }

  @Override
  public void abort() {
    communicator.abort("the exchange was given up");
  }

  @Override
  public void close() {
    device.removeDownloadCheck(soundness);
    device.enter();
    try {
      communicator.close();
      side.close();
    } finally {
      device.leave();
    }
  }
}
