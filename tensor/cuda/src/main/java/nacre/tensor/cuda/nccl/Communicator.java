package nacre.tensor.cuda.nccl;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Locale;
import nacre.bindings.nccl.Nccl;
import nacre.bindings.nccl.ncclUniqueId;
import nacre.tensor.cuda.driver.CudaException;
import nacre.tensor.spi.CollectiveException;

/**
 * A communicator of NCCL, and a thread that asks it for errors while the GPU works: a kernel that
 * waits for a lost rank would wait forever, so it is aborted, and why is kept for whoever asks
 * next.
 */
final class Communicator {
  private static final long LOOK_MILLIS = 100;

  private final int rank;
  private final int ranks;
  private final MemorySegment handle;
  private final Thread watch;
  private boolean open = true; // guarded by this
  private volatile CollectiveException failure;

  /** Joins the others, who use the same id; for who has entered the device. */
  Communicator(byte[] id, int rank, int ranks) {
    this.rank = rank;
    this.ranks = ranks;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      MemorySegment passed = arena.allocate(ncclUniqueId.layout());
      passed.copyFrom(MemorySegment.ofArray(id));
      int status = Nccl.ncclCommInitRank(out, ranks, passed, rank);
      handle = out.get(ValueLayout.ADDRESS, 0);
      check(status, "ncclCommInitRank", MemorySegment.NULL);
    }
    watch = Thread.ofPlatform().daemon().name("nccl-watch").start(this::watch);
  }

  /** An id for a communicator, to be passed to all its ranks. */
  static byte[] newId() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment id = arena.allocate(ncclUniqueId.layout());
      int status = Nccl.ncclGetUniqueId(id);
      if (status != Nccl.ncclSuccess()) {
        throw new CollectiveException("nccl: ncclGetUniqueId: " + explain(status, null));
      }
      return id.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  /** The handle, as long as nothing has failed. */
  MemorySegment handle() {
    requireSound();
    return handle;
  }

  /** Throws what failed, if something did. */
  void requireSound() {
    CollectiveException failed = failure;
    if (failed != null) {
      throw new CollectiveException(failed.getMessage(), failed);
    }
  }

  /** Passes if a call succeeded. */
  void check(int status, String call) {
    requireSound(); // an abort fails the calls of other threads, and is the reason to name
    check(status, call, handle);
  }

  private void check(int status, String call, MemorySegment of) {
    if (status != Nccl.ncclSuccess() && status != Nccl.ncclInProgress()) {
      throw new CollectiveException(line(call + ": " + explain(status, of)));
    }
  }

  private String line(String what) {
    return String.format(Locale.ROOT, "nccl: rank %d of %d: %s", rank, ranks, what);
  }

  private static String explain(int status, MemorySegment of) {
    String text = CudaException.text(Nccl.ncclGetErrorString(status));
    String more =
        of == null ? "" : CudaException.text(Nccl.ncclGetLastError(of)).strip().replace('\n', ' ');
    return more.isEmpty() ? text : text + ": " + more;
  }

  private void watch() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(ValueLayout.JAVA_INT);
      while (look(error)) {
        Thread.sleep(LOOK_MILLIS);
      }
    } catch (InterruptedException e) {
      // closed
    }
  }

  private synchronized boolean look(MemorySegment error) {
    if (open && Nccl.ncclCommGetAsyncError(handle, error) == Nccl.ncclSuccess()) {
      int status = error.get(ValueLayout.JAVA_INT, 0);
      if (status != Nccl.ncclSuccess() && status != Nccl.ncclInProgress()) {
        abort("exchange: " + explain(status, handle));
      }
    }
    return open;
  }

  /** Gives up all that is under way; nothing can be exchanged any more. By any thread. */
  synchronized void abort(String why) {
    if (open) {
      failure = new CollectiveException(line(why));
      open = false;
      Nccl.ncclCommAbort(handle);
    }
  }

  /** Leaves the others, when all work is done. */
  synchronized void close() {
    if (open) {
      open = false;
      failure = new CollectiveException(line("the communicator is closed"));
      Nccl.ncclCommDestroy(handle);
    }
    watch.interrupt();
  }
}
