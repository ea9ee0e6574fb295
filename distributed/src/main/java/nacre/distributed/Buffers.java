package nacre.distributed;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * Memory into which parts of other ranks come. It is used again by the next exchange of the same
 * size: new memory would be filled with zeros, page by page, beside what computes.
 */
final class Buffers {
  private static final int ALIGNMENT = 64;

  private final Map<Long, Deque<MemorySegment>> free = new HashMap<>();

  MemorySegment take(long bytes) {
    MemorySegment last = free.computeIfAbsent(bytes, _ -> new ArrayDeque<>()).pollLast();
    return last != null ? last : Arena.ofAuto().allocate(bytes, ALIGNMENT);
  }

  void giveBack(MemorySegment buffer) {
    free.get(buffer.byteSize()).addLast(buffer);
  }
}
