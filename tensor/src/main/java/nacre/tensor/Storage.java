package nacre.tensor;

import nacre.tensor.backend.Allocator;

/** A block of device memory shared by the tensors that view it, freed when the last one goes. */
final class Storage {
  private final Allocator allocator;
  private final long address;
  private final long bytes;
  private int references = 1;

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
    return references;
  }

  void retain() {
    references++;
  }

  void release() {
    if (--references == 0) {
      allocator.free(address, bytes);
      Memory.died(bytes);
    }
  }
}
