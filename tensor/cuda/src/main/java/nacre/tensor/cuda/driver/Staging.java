package nacre.tensor.cuda.driver;

import static nacre.tensor.cuda.driver.CudaException.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.cuda.Cuda;

/**
 * Copies between the host and a GPU, through pinned memory: without it the driver would copy
 * through buffers of its own, and wait. Downloads have two buffers: while the GPU fills one, the
 * other is read.
 */
public final class Staging {
  private static final long BYTES = 4 << 20;

  /** Indices, timesteps, boxes take no more. */
  private static final long SMALL = 64 << 10;

  private final CudaDevice device;
  private final IndexFaults faults;
  private final MemorySegment[] buffers = new MemorySegment[2];
  private final MemorySegment[] events = new MemorySegment[2];
  private final Uploads small;
  private final Uploads large;

  @SuppressWarnings("restricted") // the driver gives as many bytes as were asked for
  public Staging(CudaDevice device, IndexFaults faults) {
    this.device = device;
    this.faults = faults;
    device.enter();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      for (int i = 0; i < buffers.length; i++) {
        check(Cuda.cuMemHostAlloc(out, BYTES, Cuda.CU_MEMHOSTALLOC_PORTABLE()), "cuMemHostAlloc");
        buffers[i] = out.get(ValueLayout.ADDRESS, 0).reinterpret(BYTES);
        check(Cuda.cuEventCreate(out, Cuda.CU_EVENT_DISABLE_TIMING()), "cuEventCreate");
        events[i] = out.get(ValueLayout.ADDRESS, 0);
      }
      check(Cuda.cuStreamCreate(out, Cuda.CU_STREAM_NON_BLOCKING()), "cuStreamCreate");
      MemorySegment stream = out.get(ValueLayout.ADDRESS, 0);
      small = new Uploads(device, stream, SMALL);
      large = new Uploads(device, stream, BYTES);
    } finally {
      device.leave();
    }
  }

  /** Copies host memory to the GPU. The host memory may change when this returns. */
  public void upload(MemorySegment source, long destination, long bytes) {
    device.enter();
    try {
      (bytes <= SMALL ? small : large).copy(source, destination, bytes);
    } finally {
      device.leave();
    }
  }

  /**
   * Copies the GPU's memory to the host, and waits for all work before it.
   *
   * @throws IndexOutOfBoundsException if an index was out of range in this work
   */
  public void download(long source, MemorySegment destination, long bytes) {
    device.enter();
    try {
      faults.ask();
      long asked = 0;
      for (long at = 0; at < bytes; at += BYTES) {
        for (; asked < bytes && asked < at + 2 * BYTES; asked += BYTES) {
          int i = (int) (asked / BYTES % 2);
          long count = Math.min(BYTES, bytes - asked);
          check(
              Cuda.cuMemcpyDtoHAsync_v2(buffers[i], source + asked, count, device.stream()),
              "cuMemcpyDtoHAsync");
          check(Cuda.cuEventRecord(events[i], device.stream()), "cuEventRecord");
        }
        int i = (int) (at / BYTES % 2);
        check(device.awaited(() -> Cuda.cuEventSynchronize(events[i])), "cuEventSynchronize");
        MemorySegment.copy(buffers[i], 0, destination, at, Math.min(BYTES, bytes - at));
      }
      if (bytes > 0) {
        device.checkDownload();
        faults.requireNone();
      }
    } finally {
      device.leave();
    }
  }

  /** Sets every bit of device memory, in the stream's order. */
  public void poison(long address, long bytes) {
    if (bytes > 0) {
      device.enter();
      try {
        check(
            Cuda.cuMemsetD8Async(address, (byte) 0xFF, bytes, device.stream()), "cuMemsetD8Async");
      } finally {
        device.leave();
      }
    }
  }
}
