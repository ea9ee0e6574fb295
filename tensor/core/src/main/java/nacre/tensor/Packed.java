package nacre.tensor;

import java.util.concurrent.atomic.AtomicInteger;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.Packing;

/** Elements of a prepacked tensor in another layout, lent by {@link Tensor#packed}. */
public final class Packed implements AutoCloseable {
  private final Allocator allocator;
  private final Packing packing;
  private final long from;
  private final long to;
  private final long bytes;
  private final long address;
  private final AtomicInteger users = new AtomicInteger(1);

  Packed(Allocator allocator, Packing packing, long from, long length) {
    this.allocator = allocator;
    this.packing = packing;
    this.from = from;
    this.to = from + length;
    this.bytes = packing.bytes();
    this.address = allocator.allocate(bytes);
    Memory.born(bytes);
  }

  /** Where the packed elements begin. */
  public long address() {
    return address;
  }

  Packing packing() {
    return packing;
  }

  /** Where in the storage the plain elements begin, in bytes. */
  long from() {
    return from;
  }

  /** Where they end. */
  long to() {
    return to;
  }

  Packed retain() {
    users.incrementAndGet();
    return this;
  }

  /** Ends the use. The memory is freed by whoever used it last. */
  @Override
  public void close() {
    if (users.decrementAndGet() == 0) {
      allocator.free(address, bytes);
      Memory.died(bytes);
    }
  }
}
