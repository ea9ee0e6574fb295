package nacre.tensor.cuda.driver;

import static nacre.tensor.cuda.driver.CudaException.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.cuda.Cuda;
import nacre.tensor.spi.Indexed;

/**
 * The first index out of range that a kernel met on a GPU since the host last looked: a {@code
 * struct IndexFault} of {@code common.cuh} on the GPU, and where it is copied to on the host. A
 * kernel goes on without the row of such an index, so that the context survives; the error is
 * thrown when numbers are next read. One in a captured step shows as any other.
 */
public final class IndexFaults {
  private static final KernelStruct FAULT = KernelConstants.INDEX_FAULT;

  /** Bytes of a record. */
  static final long BYTES = FAULT.bytes();

  private final CudaDevice device;
  private final long address;
  private final MemorySegment copy;
  private boolean used;

  /** A record in which nothing stands. */
  @SuppressWarnings("restricted") // the driver gives as many bytes as were asked for
  public IndexFaults(CudaDevice device) {
    this.device = device;
    device.enter();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(8);
      check(Cuda.cuMemAllocAsync(out, BYTES, device.stream()), "cuMemAllocAsync");
      address = out.get(ValueLayout.JAVA_LONG, 0);
      check(Cuda.cuMemHostAlloc(out, BYTES, Cuda.CU_MEMHOSTALLOC_PORTABLE()), "cuMemHostAlloc");
      copy = out.get(ValueLayout.ADDRESS, 0).reinterpret(BYTES).fill((byte) 0);
      clear();
    } finally {
      device.leave();
    }
  }

  private void clear() {
    check(Cuda.cuMemsetD8Async(address, (byte) 0, BYTES, device.stream()), "cuMemsetD8Async");
  }

  /** Where a kernel writes; for who has entered. From now on each download looks there. */
  public long address() {
    used = true;
    return address;
  }

  /**
   * Puts the record as it is behind all work so far elsewhere on the GPU, for who downloads it with
   * other numbers and then calls {@link #requireNone(MemorySegment)}.
   */
  void copyTo(long elsewhere) {
    check(
        Cuda.cuMemcpyDtoDAsync_v2(elsewhere, address, BYTES, device.stream()), "cuMemcpyDtoDAsync");
  }

  /** Asks for the record as it is behind all work so far. */
  void ask() {
    if (used) {
      check(Cuda.cuMemcpyDtoHAsync_v2(copy, address, BYTES, device.stream()), "cuMemcpyDtoHAsync");
    }
  }

  /**
   * Looks at the record that was asked for, once it has arrived, and clears it.
   *
   * @throws IndexOutOfBoundsException if an index was out of range
   */
  void requireNone() {
    requireNone(copy);
  }

  /** The same of a record that was downloaded in another way. */
  void requireNone(MemorySegment copy) {
    if (copy.get(ValueLayout.JAVA_INT, FAULT.at("found")) == 0) {
      return;
    }
    copy.set(ValueLayout.JAVA_INT, FAULT.at("found"), 0);
    clear();
    Indexed operation =
        switch (copy.get(ValueLayout.JAVA_INT, FAULT.at("operation"))) {
          case KernelConstants.GATHERED -> Indexed.GATHER;
          case KernelConstants.CROSS_ENTROPY_TARGET -> Indexed.CROSS_ENTROPY;
          default -> throw new CudaException("cuda: an index of an unknown operation");
        };
    throw new IndexOutOfBoundsException(
        operation.refusal(
                copy.get(ValueLayout.JAVA_LONG, FAULT.at("index")),
                copy.get(ValueLayout.JAVA_LONG, FAULT.at("position")),
                copy.get(ValueLayout.JAVA_LONG, FAULT.at("range")))
            + "; found by "
            + device
            + " before these numbers were read, and what it computed from there is void");
  }
}
