package nacre.tensor.backend;

/** Device memory, cached between uses. Blocks are aligned to at least 64 bytes. */
public interface Allocator {
  /** A block of at least {@code bytes} bytes, contents undefined. */
  long allocate(long bytes);

  /** Takes a block back; {@code bytes} as it was asked for. */
  void free(long address, long bytes);

  /** Gives cached, unused blocks back to the system. */
  void trim();
}
