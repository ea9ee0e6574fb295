package nacre.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.Packing;

/**
 * A block of device memory shared by the tensors that view it, freed when the last one goes.
 * Threads that compute with the same parameters view them at the same time.
 *
 * <p>Prepacked elements may lie packed, in the layouts that a backend asked for, and then need not
 * lie row by row at all. Whoever asks for their address might write, so that they are laid out
 * again, what was packed is dropped, and they are prepacked no more: no writer needs to tell.
 */
final class Storage {
  private final Allocator allocator;
  private final long bytes;
  private final AtomicInteger references = new AtomicInteger(1);
  private long address; // of the elements row by row; 0 while they lie packed only
  private volatile boolean prepackable;
  private int version; // one higher with each write
  private Object writer;
  private List<Packed> packed = List.of();

  Storage(Allocator allocator, long bytes) {
    this.allocator = allocator;
    this.bytes = bytes;
    this.address = allocate();
  }

  private long allocate() {
    long block = allocator.allocate(bytes);
    Memory.born(bytes);
    return block;
  }

  private void free(long block) {
    Memory.died(bytes); // also where it cannot be given back
    allocator.free(block, bytes);
  }

  long address() {
    return prepackable ? unpack() : address;
  }

  synchronized void prepack() {
    prepackable = true;
  }

  boolean prepacked() {
    return prepackable;
  }

  private synchronized long unpack() {
    if (address == 0) {
      address = unpacked();
    }
    dropPacked();
    prepackable = false;
    return address;
  }

  private long unpacked() {
    long block = allocate();
    for (Packed p : packed) {
      if (p.packing().reversible()) {
        p.packing().unpack(p.address(), block + p.from());
      }
    }
    return block;
  }

  private void dropPacked() {
    packed.forEach(Packed::close);
    packed = List.of();
  }

  /**
   * {@code length} bytes from {@code from} on, packed, to be closed after use; null where they are
   * not prepacked.
   */
  synchronized Packed packed(Packing packing, long from, long length) {
    if (!prepackable) {
      return null;
    }
    for (Packed p : packed) {
      if (p.packing() == packing && p.from() == from) {
        return p.retain();
      }
    }
    if (address == 0) {
      address = unpacked();
    }
    Packed p = new Packed(allocator, packing, from, length);
    packing.pack(address + from, p.address());
    packed = new ArrayList<>(packed);
    packed.add(p);
    if (allPacked()) {
      free(address);
      address = 0;
    }
    return p.retain();
  }

  /** Whether every byte can be had back from something packed. */
  private boolean allPacked() {
    long reached = 0;
    for (boolean further = true; further && reached < bytes; ) {
      further = false;
      for (Packed p : packed) {
        if (p.packing().reversible() && p.from() <= reached && p.to() > reached) {
          reached = p.to();
          further = true;
        }
      }
    }
    return reached >= bytes;
  }

  /** Notes a write; who wrote is told where the elements are missed. */
  void written(Object by) {
    version++;
    writer = by;
    CapturedStep.note(this);
  }

  /** How often the elements were written, in any of the tensors that view them. */
  int version() {
    return version;
  }

  /** Who wrote them last; null if nobody did. */
  Object writer() {
    return writer;
  }

  int references() {
    return references.get();
  }

  void retain() {
    references.incrementAndGet();
  }

  void release() {
    if (references.decrementAndGet() == 0) {
      dropPacked();
      if (address != 0) {
        free(address);
      }
    }
  }
}
