package nacre.tensor.cpu.onednn;

import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import nacre.tensor.DType;
import nacre.tensor.Tensor;

/** Elements from one type to another, at the speed of the memory. */
final class Conversions {
  private static final int CAPACITY = 512;

  private record Key(long elements, DType from, DType to) {}

  private final SequencedMap<Key, Reorder> built = new LinkedHashMap<>(16, 0.75f, true);

  /** One at a time: they fill the memory's bandwidth, and an evicted reorder must not be in use. */
  synchronized void run(Tensor x, Tensor y) {
    Key key = new Key(x.elements(), x.dtype(), y.dtype());
    built.computeIfAbsent(key, Conversions::build).run(x.address(), y.address());
    if (built.size() > CAPACITY) {
      built.pollFirstEntry().getValue().close();
    }
  }

  private static Reorder build(Key k) {
    MemorySegment from = Layout.dense(k.from, k.elements);
    MemorySegment to = Layout.dense(k.to, k.elements);
    try {
      return new Reorder(from, to);
    } finally {
      Layout.destroy(from, to);
    }
  }
}
