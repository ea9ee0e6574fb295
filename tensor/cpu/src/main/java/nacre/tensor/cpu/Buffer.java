package nacre.tensor.cpu;

import nacre.tensor.spi.Allocator;

/** Memory for the time of a call. */
final class Buffer implements AutoCloseable {
  private final Allocator allocator;
  final long address;
  private final long bytes;

  Buffer(Allocator allocator, long bytes) {
    this.allocator = allocator;
    this.bytes = bytes;
    this.address = allocator.allocate(bytes);
  }

  @Override
  public void close() {
    allocator.free(address, bytes);
  }
}
