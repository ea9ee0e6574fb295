package nacre.tensor.cuda.driver;

import static nacre.tensor.cuda.driver.CudaException.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Locale;
import nacre.bindings.cuda.Cuda;
import nacre.tensor.Operation;
import nacre.tensor.backend.Allocator;

/**
 * The card's memory, from the driver's stream-ordered pool: a block given back is at once free for
 * what is asked for next, since that runs later on the same stream. The pool keeps what it was
 * given back.
 */
public final class CudaAllocator implements Allocator {
  private final CudaDevice device;
  private final MemorySegment pool;
  private final MemorySegment out = Arena.global().allocate(8);
  private long usedBytes;
  private long peakBytes;

  public CudaAllocator(CudaDevice device) {
    this.device = device;
    device.enter();
    try {
      check(Cuda.cuDeviceGetDefaultMemPool(out, device.handle()), "cuDeviceGetDefaultMemPool");
      pool = out.get(ValueLayout.ADDRESS, 0);
      out.set(
          ValueLayout.JAVA_LONG, 0, -1L); // keep all: what is given back is soon asked for again
      check(
          Cuda.cuMemPoolSetAttribute(pool, Cuda.CU_MEMPOOL_ATTR_RELEASE_THRESHOLD(), out),
          "cuMemPoolSetAttribute");
    } finally {
      device.leave();
    }
  }

  /**
   * {@inheritDoc}
   *
   * @throws CudaException if the card has no more, saying for what it was asked and what is live
   */
  @Override
  public long allocate(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("allocate: " + bytes + " bytes");
    }
    device.enter();
    try {
      long address = obtain(size(bytes));
      usedBytes += size(bytes);
      peakBytes = Math.max(peakBytes, usedBytes);
      return address;
    } finally {
      device.leave();
    }
  }

  @Override
  public void free(long address, long bytes) {
    device.enter();
    try {
      usedBytes -= size(bytes);
      release(address);
    } finally {
      device.leave();
    }
  }

  @Override
  public void trim() {
    device.enter();
    try {
      check(Cuda.cuStreamSynchronize(device.stream()), "cuStreamSynchronize");
      check(Cuda.cuMemPoolTrimTo(pool, 0), "cuMemPoolTrimTo");
    } finally {
      device.leave();
    }
  }

  /** Bytes in blocks that were taken and not given back, as rounded up. */
  public long usedBytes() {
    device.enter();
    try {
      return usedBytes;
    } finally {
      device.leave();
    }
  }

  /** The largest {@link #usedBytes} so far. */
  public long peakBytes() {
    device.enter();
    try {
      return peakBytes;
    } finally {
      device.leave();
    }
  }

  /** Takes a block from the pool itself. */
  private long obtain(long bytes) {
    int status = Cuda.cuMemAllocAsync(out, bytes, device.stream());
    if (status == Cuda.CUDA_ERROR_OUT_OF_MEMORY()) {
      // Blocks given back by work that has not run yet count as taken until it has.
      trim();
      status = Cuda.cuMemAllocAsync(out, bytes, device.stream());
    }
    if (status == Cuda.CUDA_ERROR_OUT_OF_MEMORY()) {
      throw outOfMemory(bytes);
    }
    check(status, "cuMemAllocAsync");
    return out.get(ValueLayout.JAVA_LONG, 0);
  }

  /** Gives a block back to the pool itself. */
  private void release(long address) {
    check(Cuda.cuMemFreeAsync(address, device.stream()), "cuMemFreeAsync");
  }

  /** The driver refuses blocks of no bytes, and aligns all to 256. */
  private static long size(long bytes) {
    return Math.max(256, (bytes + 255) & -256L);
  }

  private CudaException outOfMemory(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment free = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment total = arena.allocate(ValueLayout.JAVA_LONG);
      check(Cuda.cuMemGetInfo_v2(free, total), "cuMemGetInfo");
      return new CudaException(
          ("%s: %s: out of memory: it asked for %s; tensors hold %s (at most %s so far), and %s of"
                  + " the card's %s are free; a smaller batch or resolution, or --dtype bf16, needs"
                  + " less")
              .formatted(
                  device,
                  asking(),
                  mebibytes(bytes),
                  mebibytes(usedBytes),
                  mebibytes(peakBytes),
                  mebibytes(free.get(ValueLayout.JAVA_LONG, 0)),
                  mebibytes(total.get(ValueLayout.JAVA_LONG, 0))));
    }
  }

  /** The operation under way: an allocator is not told, and asks only when there is no more. */
  private static String asking() {
    return StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE)
        .walk(
            frames ->
                frames
                    .map(StackWalker.StackFrame::getDeclaringClass)
                    .filter(c -> Operation.class.isAssignableFrom(c) && c != Operation.class)
                    .map(Class::getSimpleName)
                    .findFirst()
                    .orElse("tensor"));
  }

  private static String mebibytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20));
  }
}
