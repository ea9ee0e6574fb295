package nacre.tensor.cuda;

import java.util.function.LongConsumer;
import nacre.tensor.DType;
import nacre.tensor.cuda.driver.CudaAllocator;
import nacre.tensor.cuda.driver.CudaDevice;
import nacre.tensor.cuda.driver.IndexFaults;
import nacre.tensor.cuda.driver.Kernel;
import nacre.tensor.cuda.driver.Kernels;
import nacre.tensor.cuda.driver.Tickets;

/** What every part of the backend works with. */
record Gpu(
    CudaDevice device,
    CudaAllocator allocator,
    Kernels kernels,
    IndexFaults faults,
    Tickets tickets) {

  /** The kernel {@code name_dtype}, out of a source file. */
  Kernel kernel(String file, String name, DType dtype) {
    return kernels.get(file, name + "_" + dtype);
  }

  /** The kernel {@code name_bytes}, for what moves elements and does not look at them. */
  Kernel mover(String file, String name, DType dtype) {
    return kernels.get(file, name + "_" + dtype.bytes());
  }

  /**
   * Lends memory on the GPU to what the body launches. It goes back when the body returns, which is
   * soon enough: whoever is given it next runs on the same stream, and later.
   */
  void scratch(long bytes, LongConsumer body) {
    long address = allocator.allocate(bytes);
    try {
      body.accept(address);
    } finally {
      allocator.free(address, bytes);
    }
  }
}
