package nacre.tensor.cuda.driver;

import static nacre.tensor.cuda.driver.CudaException.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import nacre.bindings.cuda.Cuda;
import nacre.tensor.DeviceMemoryException;
import nacre.tensor.Operation;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Allocator;

/**
 * The GPU's memory, from the driver's stream-ordered pool: a block given back is at once free for
 * what is asked for next, since that runs later on the same stream. The pool keeps what it was
 * given back.
 *
 * <p>A captured step may not ask the driver. So what it takes is {@linkplain #record recorded} when
 * it is computed the first time, and {@linkplain #serve served} from an arena when it is captured.
 */
public final class CudaAllocator implements Allocator {
  private final CudaDevice device;
  private final MemorySegment pool;
  private final MemorySegment out = Arena.global().allocate(8);
  private final BlockSource driver = new Driver();
  private final List<BlockArena> arenas = new ArrayList<>();
  private BlockSource source = driver;
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
   * @throws CudaException if the GPU has no more, saying for what it was asked and what is live
   */
  @Override
  public boolean isHostMemory() {
    return false;
  }

  @Override
  public long allocate(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("allocate: " + bytes + " bytes");
    }
    device.enter();
    try {
      return source.take(size(bytes));
    } finally {
      device.leave();
    }
  }

  @Override
  public void free(long address, long bytes) {
    device.enter();
    try {
      BlockArena arena = arenaOf(address);
      if (arena == null || arena == source) {
        source.give(address, size(bytes));
      } else {
        arena.giveLate(address);
        closeIfUnused(arena);
      }
    } finally {
      device.leave();
    }
  }

  private BlockArena arenaOf(long address) {
    for (BlockArena arena : arenas) {
      if (arena.holds(address)) {
        return arena;
      }
    }
    return null;
  }

  /** A block that belongs to no work that may be under way, until {@link #giveBack}. */
  public long keep(long bytes) {
    device.enter();
    try {
      return driver.take(size(bytes));
    } finally {
      device.leave();
    }
  }

  /** Gives back what {@link #keep} took. */
  public void giveBack(long address, long bytes) {
    device.enter();
    try {
      driver.give(address, size(bytes));
    } finally {
      device.leave();
    }
  }

  /** Whether work is under way that is recorded or served. */
  boolean isFollowed() {
    return source != driver;
  }

  /**
   * Refuses what the host would have to do each time.
   *
   * @param remedy what to do instead
   */
  public void requireUnfollowed(String what, Tensor tensor, String remedy) {
    device.enter(); // another thread's work is waited for
    try {
      if (isFollowed()) {
        throw new CudaException(
            String.format(
                Locale.ROOT,
                "%s: %s: a captured step is done by the GPU alone, without the host; %s",
                what,
                tensor.describe(),
                remedy));
      }
    } finally {
      device.leave();
    }
  }

  /** Notes what the body takes and gives back. */
  BlockPlan record(Runnable body) {
    BlockRecorder recorder = new BlockRecorder(driver);
    source = recorder;
    try {
      body.run();
    } finally {
      source = driver;
    }
    return recorder.plan();
  }

  /** Takes the memory of a plan. */
  BlockArena open(BlockPlan plan) {
    List.copyOf(arenas).forEach(this::closeIfUnused);
    trim(); // what the first run gave back lies in pieces, and the arena is one
    BlockArena arena = new BlockArena(plan, driver.take(size(plan.bytes())));
    arenas.add(arena);
    return arena;
  }

  /** Gives the body its memory from an arena, and nothing but that. */
  void serve(BlockArena arena, Runnable body) {
    source = arena;
    try {
      body.run();
      arena.finish();
    } finally {
      source = driver;
    }
  }

  /** Gives the memory of a plan back, as soon as no tensor outside has any of it. */
  void close(BlockArena arena) {
    arena.close();
    arena.foreign().forEach(driver::give);
    closeIfUnused(arena);
  }

  private void closeIfUnused(BlockArena arena) {
    if (arena.isUnused() && !isFollowed()) { // the driver takes nothing back while it captures
      arenas.remove(arena);
      driver.give(arena.address(), size(arena.bytes()));
    }
  }

  @Override
  public void trim() {
    device.enter();
    try {
      check(device.awaited(() -> Cuda.cuStreamSynchronize(device.stream())), "cuStreamSynchronize");
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

  /** The largest {@link #usedBytes} since {@link #resetPeak}. */
  @Override
  public long peakBytes() {
    device.enter();
    try {
      return peakBytes;
    } finally {
      device.leave();
    }
  }

  @Override
  public void resetPeak() {
    device.enter();
    try {
      peakBytes = usedBytes;
    } finally {
      device.leave();
    }
  }

  @Override
  public OptionalLong availableBytes() {
    device.enter();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment free = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment total = arena.allocate(ValueLayout.JAVA_LONG);
      check(Cuda.cuMemGetInfo_v2(free, total), "cuMemGetInfo");
      return OptionalLong.of(free.get(ValueLayout.JAVA_LONG, 0));
    } finally {
      device.leave();
    }
  }

  /** The driver's pool itself. */
  private final class Driver implements BlockSource {
    @Override
    public long take(long bytes) {
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
      usedBytes += bytes;
      peakBytes = Math.max(peakBytes, usedBytes);
      return out.get(ValueLayout.JAVA_LONG, 0);
    }

    @Override
    public void give(long address, long bytes) {
      usedBytes -= bytes;
      check(Cuda.cuMemFreeAsync(address, device.stream()), "cuMemFreeAsync");
    }
  }

  /** The driver refuses blocks of no bytes, and aligns all to 256. */
  private static long size(long bytes) {
    return Math.max(256, (bytes + 255) & -256L);
  }

  private DeviceMemoryException outOfMemory(long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment free = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment total = arena.allocate(ValueLayout.JAVA_LONG);
      check(Cuda.cuMemGetInfo_v2(free, total), "cuMemGetInfo");
      return new DeviceMemoryException(
          String.format(
              Locale.ROOT,
              "%s: %s: out of memory: it asked for %s; tensors hold %s (at most %s so far)%s, and"
                  + " %s of the GPU's %s are free; a smaller batch or resolution, or --dtype bf16,"
                  + " needs less",
              device,
              asking(),
              text(bytes),
              text(usedBytes),
              text(peakBytes),
              graphs(),
              text(free.get(ValueLayout.JAVA_LONG, 0)),
              text(total.get(ValueLayout.JAVA_LONG, 0))));
    }
  }

  /** What steps keep that are graphs, which without graphs would be free between them. */
  private String graphs() {
    long kept = arenas.stream().mapToLong(BlockArena::bytes).sum();
    return kept == 0 ? "" : ", " + text(kept) + " of it for steps as graphs (--no-graph: none)";
  }

  /** The operation under way: an allocator is not told, and asks only when there is no more. */
  private static String asking() {
    return StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE)
        .walk(
            frames ->
                frames
                    .map(StackWalker.StackFrame::getDeclaringClass)
                    .filter(CudaAllocator::isWork)
                    .map(c -> c == CudaStepGraph.class ? "captured steps" : c.getSimpleName())
                    .findFirst()
                    .orElse("tensor"));
  }

  private static boolean isWork(Class<?> c) {
    return c == CudaStepGraph.class || Operation.class.isAssignableFrom(c) && c != Operation.class;
  }

  private static String text(long bytes) {
    return bytes < 1 << 20
        ? String.format(Locale.ROOT, "%.1f KiB", bytes / 1024.0)
        : String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20));
  }
}
