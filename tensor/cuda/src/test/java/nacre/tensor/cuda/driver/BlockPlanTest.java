package nacre.tensor.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Blocks that live at the same time never lie on each other, and little is wasted. */
@Tag("cuda")
class BlockPlanTest {
  /** A source that never gives an address twice. */
  private static final class Counter implements BlockSource {
    private long next = 4096;

    @Override
    public long take(long bytes) {
      next += 1 << 20;
      return next;
    }

    @Override
    public void give(long address, long bytes) {}
  }

  @Test
  void blocksThatLiveTogetherLieApart() {
    Random random = new Random(3);
    for (int trial = 0; trial < 50; trial++) {
      BlockRecorder recorder = new BlockRecorder(new Counter());
      List<long[]> alive = new ArrayList<>();
      long live = 0;
      long most = 0;
      for (int i = 0; i < 200; i++) {
        if (alive.isEmpty() || random.nextInt(5) > 1) {
          long bytes = 256L * (1 + random.nextInt(40));
          alive.add(new long[] {recorder.take(bytes), bytes});
          live += bytes;
        } else {
          long[] block = alive.remove(random.nextInt(alive.size()));
          recorder.give(block[0], block[1]);
          live -= block[1];
        }
        most = Math.max(most, live);
      }
      BlockPlan plan = recorder.plan();
      requireApart(plan);
      assertTrue(plan.bytes() >= most && plan.bytes() <= 1.25 * most, plan.bytes() + " " + most);
    }
  }

  private static void requireApart(BlockPlan plan) {
    Map<Integer, long[]> alive = new HashMap<>();
    for (int event : plan.events()) {
      if (event < 0) {
        alive.remove(~event);
        continue;
      }
      long from = plan.offsets()[event];
      long to = from + plan.sizes().get(event);
      assertEquals(0, from % 256);
      assertTrue(to <= plan.bytes());
      for (long[] other : alive.values()) {
        assertTrue(to <= other[0] || from >= other[1]);
      }
      alive.put(event, new long[] {from, to});
    }
  }

  @Test
  void whatIsGivenBackIsUsedAgain() {
    BlockRecorder recorder = new BlockRecorder(new Counter());
    for (int i = 0; i < 10; i++) {
      recorder.give(recorder.take(1024), 1024);
    }
    assertEquals(1024, recorder.plan().bytes());
  }

  @Test
  void whatWasTakenBeforeMayNotBeGivenBack() {
    BlockRecorder recorder = new BlockRecorder(new Counter());
    recorder.give(77, 256);
    assertThrows(CudaException.class, recorder::plan);
  }

  private static BlockPlan plan() {
    BlockRecorder recorder = new BlockRecorder(new Counter());
    long a = recorder.take(512);
    recorder.take(256);
    recorder.give(a, 512);
    return recorder.plan();
  }

  @Test
  void anArenaHoldsWorkToThePlan() {
    BlockArena arena = new BlockArena(plan(), 1 << 20);
    long a = arena.take(512);
    long b = arena.take(256);
    assertTrue(arena.holds(a) && arena.holds(b) && a != b);
    arena.give(a, 512);
    arena.finish();

    BlockArena larger = new BlockArena(plan(), 1 << 20);
    Exception e = assertThrows(CudaException.class, () -> larger.take(768));
    assertTrue(e.getMessage().contains("768 bytes"), e.getMessage());

    BlockArena shorter = new BlockArena(plan(), 1 << 20);
    shorter.take(512);
    assertThrows(CudaException.class, shorter::finish);

    BlockArena other = new BlockArena(plan(), 1 << 20);
    other.take(512);
    other.give(other.take(256), 256); // not the one that was given back
    assertThrows(CudaException.class, () -> other.take(256));
  }
}
