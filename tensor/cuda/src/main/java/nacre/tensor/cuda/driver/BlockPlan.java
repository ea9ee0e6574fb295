package nacre.tensor.cuda.driver;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Where in one stretch of memory the blocks of some work go, when it is known from an earlier run
 * which are taken and given back in which order. The largest are placed first, each at the lowest
 * place that is free as long as it lives.
 *
 * @param sizes of the blocks, in the order in which they are taken
 * @param events the order: {@link #taken} or {@link #given} of a block's number
 * @param offsets where each block lies
 * @param bytes length of the whole
 */
record BlockPlan(List<Long> sizes, List<Integer> events, long[] offsets, long bytes) {

  static int taken(int block) {
    return block;
  }

  static int given(int block) {
    return ~block;
  }

  /** A block that has its place, and from which event to which it lives. */
  private record Placed(long from, long to, int born, int died) {}

  static BlockPlan of(List<Long> sizes, List<Integer> events) {
    int[] born = new int[sizes.size()];
    int[] died = new int[sizes.size()];
    java.util.Arrays.fill(died, Integer.MAX_VALUE); // what outlives the work
    for (int i = 0; i < events.size(); i++) {
      int event = events.get(i);
      if (event >= 0) {
        born[event] = i;
      } else {
        died[~event] = i;
      }
    }
    long[] offsets = new long[sizes.size()];
    List<Placed> placed = new ArrayList<>();
    long bytes = 0;
    for (int block : largestFirst(sizes)) {
      long size = sizes.get(block);
      long at = 0;
      for (Placed other : placed) { // by where they lie
        if (other.born < died[block] && born[block] < other.died) {
          if (other.from >= at + size) {
            break;
          }
          at = Math.max(at, other.to);
        }
      }
      offsets[block] = at;
      bytes = Math.max(bytes, at + size);
      insert(placed, new Placed(at, at + size, born[block], died[block]));
    }
    return new BlockPlan(List.copyOf(sizes), List.copyOf(events), offsets, bytes);
  }

  private static int[] largestFirst(List<Long> sizes) {
    return IntStream.range(0, sizes.size())
        .boxed()
        .sorted(Comparator.comparing((Integer block) -> sizes.get(block)).reversed())
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private static void insert(List<Placed> placed, Placed one) {
    int low = 0;
    int high = placed.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (placed.get(middle).from <= one.from) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    placed.add(low, one);
  }
}
