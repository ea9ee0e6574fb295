package nacre.tensor.spi;

import java.util.OptionalLong;
import nacre.tensor.Memory;

/** Device memory, cached between uses. Blocks are aligned to at least 64 bytes. */
public interface Allocator {
  /** A block of at least {@code bytes} bytes, contents undefined. */
  long allocate(long bytes);

  /** Takes a block back; {@code bytes} as it was asked for. */
  void free(long address, long bytes);

  /** Whether the addresses are the host's, so that Java can read and write there. */
  default boolean isHostMemory() {
    return true;
  }

  /** Gives cached, unused blocks back to the system. */
  void trim();

  /**
   * The most bytes in use at a time since {@link #resetPeak}: those of tensors, and where the
   * allocator counts them those of what operations borrow as well.
   */
  default long peakBytes() {
    return Memory.peakBytes();
  }

  /** Bytes that can still be had beside those in use; empty where that cannot be known. */
  default OptionalLong availableBytes() {
    return isHostMemory() ? HostMemory.available() : OptionalLong.empty();
  }

  /** Starts a new peak at what is in use now. */
  default void resetPeak() {
    Memory.resetPeak();
  }
}
