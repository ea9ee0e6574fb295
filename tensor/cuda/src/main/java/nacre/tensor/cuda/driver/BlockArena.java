package nacre.tensor.cuda.driver;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * A stretch of the GPU's memory that a {@link BlockPlan} divides. While work is captured it serves
 * the blocks at the planned places, and holds the work to the plan: a block that is given back
 * later than planned would lie where another does.
 */
final class BlockArena implements BlockSource {
  private final BlockPlan plan;
  private final long address;
  private final Map<Long, Integer> alive = new HashMap<>();
  private final Map<Long, Long> foreign = new LinkedHashMap<>();
  private int event;
  private boolean closed;
  private String departure;

  BlockArena(BlockPlan plan, long address) {
    this.plan = plan;
    this.address = address;
  }

  long address() {
    return address;
  }

  long bytes() {
    return plan.bytes();
  }

  boolean holds(long block) {
    return block >= address && block < address + plan.bytes();
  }

  @Override
  public long take(long bytes) {
    int expected = next();
    if (departure == null && (expected < 0 || plan.sizes().get(expected) != bytes)) {
      departure = String.format(Locale.ROOT, "asks for %d bytes where it did not before", bytes);
    }
    requireAsPlanned();
    long block = address + plan.offsets()[expected];
    alive.put(block, expected);
    return block;
  }

  @Override
  public void give(long block, long bytes) {
    if (!holds(block)) {
      foreign.put(block, bytes); // the driver takes nothing back while it captures
    }
    Integer number = alive.remove(block);
    int expected = next();
    if (departure == null && (number == null || expected != BlockPlan.given(number))) {
      departure = "frees what it did not free before"; // told by whoever may complain
    }
  }

  /** Takes a block back that outlived the work. */
  void giveLate(long block) {
    alive.remove(block);
  }

  /** Nothing runs here any more. */
  void close() {
    closed = true;
  }

  /** Whether nothing runs here any more, and nobody has a block. */
  boolean isUnused() {
    return closed && alive.isEmpty();
  }

  /** What was given back that was not taken here, by address. */
  Map<Long, Long> foreign() {
    return foreign;
  }

  /** The next event of the plan; when it is over, one that fits nothing. */
  private int next() {
    return event < plan.events().size() ? plan.events().get(event++) : Integer.MIN_VALUE;
  }

  /** Ends the serving. */
  void finish() {
    if (departure == null && event < plan.events().size()) {
      departure = "ends earlier than before";
    }
    requireAsPlanned();
  }

  private void requireAsPlanned() {
    if (departure != null) {
      throw new CudaException(
          "cuda: a captured step is not what it was the first time: it "
              + departure
              + "; what is computed on other shapes must be made ready by itself");
    }
  }
}
