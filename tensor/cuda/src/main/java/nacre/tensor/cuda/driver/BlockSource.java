package nacre.tensor.cuda.driver;

/** Where the allocator has its blocks from. Sizes are multiples of 256. */
interface BlockSource {
  /** A block's address. */
  long take(long bytes);

  /** Takes a block back. */
  void give(long address, long bytes);
}
