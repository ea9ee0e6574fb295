package nacre.tensor.cuda.driver;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Hands blocks through from another source, and notes which were alive together, so that {@link
 * BlockPlan} can lay them out once and for all.
 */
final class BlockRecorder implements BlockSource {
  private final BlockSource source;
  private final List<Long> sizes = new ArrayList<>();
  private final List<Integer> events = new ArrayList<>();
  private final Map<Long, Integer> alive = new HashMap<>();
  private boolean foreign;

  BlockRecorder(BlockSource source) {
    this.source = source;
  }

  @Override
  public long take(long bytes) {
    long address = source.take(bytes);
    alive.put(address, sizes.size());
    events.add(BlockPlan.taken(sizes.size()));
    sizes.add(bytes);
    return address;
  }

  @Override
  public void give(long address, long bytes) {
    Integer block = alive.remove(address);
    if (block == null) {
      foreign = true; // a scope that closes is no place to complain
    } else {
      events.add(BlockPlan.given(block));
    }
    source.give(address, bytes);
  }

  /**
   * What was noted.
   *
   * @throws CudaException if a block was given back that had been taken before
   */
  BlockPlan plan() {
    if (foreign) {
      throw new CudaException(
          "cuda: a captured step frees a tensor that it did not make, and could do so only once");
    }
    return BlockPlan.of(sizes, events);
  }
}
