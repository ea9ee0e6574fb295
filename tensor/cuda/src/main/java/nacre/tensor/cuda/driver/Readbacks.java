package nacre.tensor.cuda.driver;

import static nacre.tensor.cuda.driver.CudaException.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import nacre.bindings.cuda.Cuda;
import nacre.tensor.spi.Readback;

/**
 * Copies of a few numbers from a GPU, which nobody waits for until they are looked at. The record
 * of indices out of range comes with them, in the same copy.
 */
public final class Readbacks {
  /** What fits: 1,024 numbers. */
  public static final long BYTES = 4096;

  private static final long FAULT = IndexFaults.BYTES;

  /** A block on the GPU, first a record, then numbers; a pinned one; when that was filled. */
  private record Slot(long there, MemorySegment here, MemorySegment arrived) {}

  private final CudaDevice device;
  private final IndexFaults faults;
  private final Deque<Slot> idle = new ArrayDeque<>();

  public Readbacks(CudaDevice device, IndexFaults faults) {
    this.device = device;
    this.faults = faults;
  }

  /** Begins a copy of f32 numbers, of {@value #BYTES} bytes at most, behind all work so far. */
  public Readback begin(long source, long bytes) {
    device.enter();
    try {
      Slot slot = idle.isEmpty() ? slot() : idle.pop();
      faults.copyTo(slot.there);
      check(
          Cuda.cuMemcpyDtoDAsync_v2(slot.there + FAULT, source, bytes, device.stream()),
          "cuMemcpyDtoDAsync");
      check(
          Cuda.cuMemcpyDtoHAsync_v2(slot.here, slot.there, FAULT + bytes, device.stream()),
          "cuMemcpyDtoHAsync");
      check(Cuda.cuEventRecord(slot.arrived, device.stream()), "cuEventRecord");
      return new Pending(slot, bytes);
    } finally {
      device.leave();
    }
  }

  @SuppressWarnings("restricted") // the driver gives as many bytes as were asked for
  private Slot slot() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      check(Cuda.cuMemAllocAsync(out, FAULT + BYTES, device.stream()), "cuMemAllocAsync");
      final long there = out.get(ValueLayout.JAVA_LONG, 0);
      check(
          Cuda.cuMemHostAlloc(out, FAULT + BYTES, Cuda.CU_MEMHOSTALLOC_PORTABLE()),
          "cuMemHostAlloc");
      final MemorySegment here = out.get(ValueLayout.ADDRESS, 0).reinterpret(FAULT + BYTES);
      check(Cuda.cuEventCreate(out, Cuda.CU_EVENT_DISABLE_TIMING()), "cuEventCreate");
      return new Slot(there, here, out.get(ValueLayout.ADDRESS, 0));
    }
  }

  private final class Pending implements Readback {
    private final Slot slot;
    private final long bytes;
    private float[] values;

    Pending(Slot slot, long bytes) {
      this.slot = slot;
      this.bytes = bytes;
    }

    @Override
    public boolean isDone() {
      device.enter();
      try {
        return values != null || Cuda.cuEventQuery(slot.arrived) == Cuda.CUDA_SUCCESS();
      } finally {
        device.leave();
      }
    }

    @Override
    public float[] floats() {
      device.enter();
      try {
        if (values == null) {
          if (!isDone()) {
            check(
                device.awaited(() -> Cuda.cuEventSynchronize(slot.arrived)), "cuEventSynchronize");
          }
          device.checkDownload();
          faults.requireNone(slot.here);
          values = slot.here.asSlice(FAULT, bytes).toArray(ValueLayout.JAVA_FLOAT);
          idle.push(slot);
        }
        return values.clone();
      } finally {
        device.leave();
      }
    }
  }
}
