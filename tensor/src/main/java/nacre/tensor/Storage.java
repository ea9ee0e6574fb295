package nacre.tensor;

import java.util.concurrent.atomic.AtomicInteger;
import nacre.tensor.backend.Allocator;

/**
 * A block of device memory shared by the tensors that view it, freed when the last one goes.
 * Threads that compute with the same parameters view them at the same time.
 */
final class Storage {
  private final Allocator allocator;
  private final long address;
  private final long bytes;
  private final AtomicInteger references = new AtomicInteger(1);

  Storage(Allocator allocator, long bytes) {
    this.allocator = allocator;
    this.bytes = bytes;
    this.address = allocator.allocate(bytes);
    Memory.born(bytes);
  }

  long address() {
    return address;
  }

  int references() {
    return references.get();
  }

  void retain() {
    references.incrementAndGet();
  }

  void release() {
    if (references.decrementAndGet() == 0) {
      allocator.free(address, bytes);
      Memory.died(bytes);
    }
  }
}
