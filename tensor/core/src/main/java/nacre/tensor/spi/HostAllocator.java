package nacre.tensor.spi;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Optional;
import nacre.tensor.DeviceMemoryException;

/**
 * Host memory in blocks that are kept and reused: fresh pages cost more to fault in than most
 * operations cost to compute. A block's size is rounded up to a size class, four to each power of
 * two, and freed blocks wait in a list of their class. Blocks are aligned to 64 bytes, from 1 MiB
 * to 4096, from 4 MiB to 2 MiB so that the system can back them with huge pages. Safe for use by
 * many threads.
 *
 * <p>What is held grows little beyond the most that was ever in use at a time: before it would,
 * blocks of the class that nobody asked for longest go back to the system. So work whose sizes
 * change does not pile up blocks that fit none of it.
 */
public final class HostAllocator implements Allocator {
  private static final long PAGE_ALIGNED_FROM = 1L << 20;
  private static final long HUGE_ALIGNED_FROM = 4L << 20;
  private static final long HUGE_PAGE = 2L << 20;
  private static final int MADV_HUGEPAGE = 14;
  private static final int CLASSES = 4 * 56;

  /** Held beyond the most that was in use, as a part of that, and at least. */
  private static final int SPARE_PART = 8;

  private static final long SPARE_BYTES = 256L << 20;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle MALLOC =
      require("malloc", FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
  private static final MethodHandle FREE =
      require("free", FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG));
  private static final Optional<MethodHandle> MADVISE =
      System.getProperty("os.name").equals("Linux")
          ? find(
              "madvise",
              FunctionDescriptor.of(
                  ValueLayout.JAVA_INT,
                  ValueLayout.JAVA_LONG,
                  ValueLayout.JAVA_LONG,
                  ValueLayout.JAVA_INT))
          : Optional.empty();
  private static final MemorySegment MEMORY = everything();

  private final long[][] free = new long[CLASSES][];
  private final int[] freeCount = new int[CLASSES];
  private final long[] lastAsked = new long[CLASSES];
  private long asked;
  private long heldBytes;
  private long cachedBytes;
  private long mostUsed;

  /** Memory of which nothing is held yet. */
  public HostAllocator() {}

  /**
   * {@inheritDoc}
   *
   * @throws DeviceMemoryException if the system has no more, not even after {@link #trim()}
   */
  @Override
  public synchronized long allocate(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("allocate: " + bytes + " bytes");
    }
    int sizeClass = sizeClass(bytes);
    long size = classBytes(sizeClass);
    lastAsked[sizeClass] = ++asked;
    mostUsed = Math.max(mostUsed, usedBytes() + size);
    if (freeCount[sizeClass] > 0) {
      cachedBytes -= size;
      return free[sizeClass][--freeCount[sizeClass]];
    }
    long limit = mostUsed + Math.max(mostUsed / SPARE_PART, SPARE_BYTES);
    while (cachedBytes > 0 && heldBytes + size > limit) {
      giveBackOne();
    }
    long address = obtain(size);
    if (address == 0) {
      trim();
      address = obtain(size);
    }
    if (address == 0) {
      throw new DeviceMemoryException(
          "cpu: out of memory: the system gave no "
              + size
              + " bytes more; tensors hold "
              + usedBytes());
    }
    heldBytes += size;
    return address;
  }

  @Override
  public synchronized void free(long address, long bytes) {
    int sizeClass = sizeClass(bytes);
    long[] list = free[sizeClass];
    if (list == null) {
      list = free[sizeClass] = new long[8];
    } else if (freeCount[sizeClass] == list.length) {
      list = free[sizeClass] = Arrays.copyOf(list, list.length * 2);
    }
    list[freeCount[sizeClass]++] = address;
    cachedBytes += classBytes(sizeClass);
  }

  @Override
  public synchronized void trim() {
    for (int c = 0; c < CLASSES; c++) {
      while (freeCount[c] > 0) {
        giveBackOne(c);
      }
    }
  }

  /** A block of the class that was asked for longest ago. */
  private void giveBackOne() {
    int oldest = -1;
    for (int c = 0; c < CLASSES; c++) {
      if (freeCount[c] > 0 && (oldest < 0 || lastAsked[c] < lastAsked[oldest])) {
        oldest = c;
      }
    }
    giveBackOne(oldest);
  }

  private void giveBackOne(int sizeClass) {
    giveBack(free[sizeClass][--freeCount[sizeClass]]);
    heldBytes -= classBytes(sizeClass);
    cachedBytes -= classBytes(sizeClass);
  }

  /** Bytes taken from the system, in use or cached. */
  public synchronized long heldBytes() {
    return heldBytes;
  }

  /** Bytes of {@link #heldBytes()} that wait for reuse. */
  public synchronized long cachedBytes() {
    return cachedBytes;
  }

  /** Bytes of {@link #heldBytes()} in blocks that were allocated and not freed. */
  public synchronized long usedBytes() {
    return heldBytes - cachedBytes;
  }

  /** Classes 0 to 3 are 64, 128, 192, 256 bytes; then 320, 384, 448, 512; 640, 768, 896, 1024; … */
  static int sizeClass(long bytes) {
    if (bytes <= 256) {
      return bytes == 0 ? 0 : (int) ((bytes - 1) >>> 6);
    }
    int power = 63 - Long.numberOfLeadingZeros(bytes - 1); // 2^power < bytes <= 2^(power + 1)
    return 4 * (power - 7) + (int) (((bytes - 1) >>> (power - 2)) & 3);
  }

  static long classBytes(int sizeClass) {
    if (sizeClass < 4) {
      return 64L * (sizeClass + 1);
    }
    return (5L + (sizeClass & 3)) << (sizeClass / 4 + 5);
  }

  private static long alignment(long size) {
    return size >= HUGE_ALIGNED_FROM ? HUGE_PAGE : size >= PAGE_ALIGNED_FROM ? 4096 : 64;
  }

  /** A block whose eight bytes before the address hold what malloc returned; 0 if there is none. */
  private static long obtain(long size) {
    long alignment = alignment(size);
    try {
      long raw = (long) MALLOC.invokeExact(size + alignment + 8);
      if (raw == 0) {
        return 0;
      }
      long address = (raw + 8 + alignment - 1) & -alignment;
      if (alignment == HUGE_PAGE && MADVISE.isPresent()) {
        // Advice only: where the system refuses it, the pages are merely small.
        int refused = (int) MADVISE.get().invokeExact(address, size & -HUGE_PAGE, MADV_HUGEPAGE);
      }
      MEMORY.set(ValueLayout.JAVA_LONG, address - 8, raw);
      return address;
    } catch (Throwable e) {
      throw new AssertionError("malloc", e);
    }
  }

  private static void giveBack(long address) {
    try {
      FREE.invokeExact(MEMORY.get(ValueLayout.JAVA_LONG, address - 8));
    } catch (Throwable e) {
      throw new AssertionError("free", e);
    }
  }

  @SuppressWarnings("restricted")
  private static MemorySegment everything() {
    return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  }

  private static MethodHandle require(String name, FunctionDescriptor type) {
    return find(name, type)
        .orElseThrow(() -> new IllegalStateException("cpu: no C library function " + name));
  }

  @SuppressWarnings("restricted")
  private static Optional<MethodHandle> find(String name, FunctionDescriptor type) {
    return LINKER.defaultLookup().find(name).map(symbol -> LINKER.downcallHandle(symbol, type));
  }
}
