package nacre.tensor.cuda.driver;

import static nacre.tensor.cuda.driver.CudaException.check;

import nacre.bindings.cuda.Cuda;

/**
 * Counters on the GPU, one for each row of a grid, by which the block that is done last knows that
 * it is. They are zero before a kernel and after it; as all work goes through one stream, all
 * kernels share them.
 */
public final class Tickets {
  private static final long BYTES = 4L * 65535; // as many rows as a grid may have

  private final CudaDevice device;
  private final CudaAllocator allocator;
  private long address;

  /** None yet. */
  public Tickets(CudaDevice device, CudaAllocator allocator) {
    this.device = device;
    this.allocator = allocator;
  }

  /** Where they begin. */
  public long address() {
    device.enter();
    try {
      if (address == 0) {
        address = allocator.keep(BYTES);
        check(Cuda.cuMemsetD8Async(address, (byte) 0, BYTES, device.stream()), "cuMemsetD8Async");
      }
      return address;
    } finally {
      device.leave();
    }
  }
}
