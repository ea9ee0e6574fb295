package nacre.tensor.cuda.driver;

import static nacre.tensor.cuda.driver.CudaException.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import nacre.bindings.cuda.Cuda;

/**
 * Copies to a GPU on a stream of their own, beside the computation: through pinned memory into
 * memory of the same size on the GPU, from where the computation's stream puts them in their place
 * in its order. So the next batch crosses the bus while a step is computed that still reads the
 * last one. There are as many such pairs of blocks as copies are under way, up to a limit; only
 * beyond does the host wait. For who has entered the device.
 */
final class Uploads {
  /** A pinned block, one on the GPU, and when the latter was emptied. */
  private record Slot(
      MemorySegment here, long there, MemorySegment arrived, MemorySegment emptied) {}

  private static final int MOST = 32;

  private final CudaDevice device;
  private final MemorySegment stream;
  private final long bytes;
  private final List<Slot> slots = new ArrayList<>(); // in the order of their use from next on
  private int next;
  private int most = MOST;

  /**
   * No blocks yet.
   *
   * @param stream that copies
   * @param bytes of a block
   */
  Uploads(CudaDevice device, MemorySegment stream, long bytes) {
    this.device = device;
    this.stream = stream;
    this.bytes = bytes;
  }

  /** Copies host memory, which may change when this returns. */
  void copy(MemorySegment source, long destination, long length) {
    for (long at = 0; at < length; at += bytes) {
      Slot slot = free();
      long count = Math.min(bytes, length - at);
      MemorySegment.copy(source, at, slot.here, 0, count);
      device.launched();
      check(Cuda.cuMemcpyHtoDAsync_v2(slot.there, slot.here, count, stream), "cuMemcpyHtoDAsync");
      check(Cuda.cuEventRecord(slot.arrived, stream), "cuEventRecord");
      check(Cuda.cuStreamWaitEvent(device.stream(), slot.arrived, 0), "cuStreamWaitEvent");
      check(
          Cuda.cuMemcpyDtoDAsync_v2(destination + at, slot.there, count, device.stream()),
          "cuMemcpyDtoDAsync");
      check(Cuda.cuEventRecord(slot.emptied, device.stream()), "cuEventRecord");
    }
  }

  /** The slot that was used first, if it was emptied, else another, if there is room for it. */
  private Slot free() {
    if (slots.isEmpty()) {
      slots.add(slot());
    } else if (Cuda.cuEventQuery(slots.get(next).emptied) != Cuda.CUDA_SUCCESS() && !added()) {
      MemorySegment emptied = slots.get(next).emptied;
      check(device.awaited(() -> Cuda.cuEventSynchronize(emptied)), "cuEventSynchronize");
    }
    Slot slot = slots.get(next);
    next = (next + 1) % slots.size();
    return slot;
  }

  private boolean added() {
    if (slots.size() < most) {
      try {
        slots.add(next, slot());
        return true;
      } catch (CudaException e) { // no memory is left, or none that can be pinned
        most = slots.size();
      }
    }
    return false;
  }

  @SuppressWarnings("restricted") // the driver gives as many bytes as were asked for
  private Slot slot() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      check(Cuda.cuMemAllocAsync(out, bytes, stream), "cuMemAllocAsync");
      final long there = out.get(ValueLayout.JAVA_LONG, 0);
      check(Cuda.cuMemHostAlloc(out, bytes, Cuda.CU_MEMHOSTALLOC_PORTABLE()), "cuMemHostAlloc");
      MemorySegment here = out.get(ValueLayout.ADDRESS, 0).reinterpret(bytes);
      return new Slot(here, there, event(out), event(out));
    }
  }

  private static MemorySegment event(MemorySegment out) {
    check(Cuda.cuEventCreate(out, Cuda.CU_EVENT_DISABLE_TIMING()), "cuEventCreate");
    return out.get(ValueLayout.ADDRESS, 0);
  }
}
