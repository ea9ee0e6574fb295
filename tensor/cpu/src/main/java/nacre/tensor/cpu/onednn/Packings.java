package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import nacre.bindings.onednn.Dnnl;
import nacre.tensor.spi.Packing;

/**
 * The layouts that primitives chose for weights: one object for each pair of layouts, so that
 * primitives of different sizes share what was packed for one of them. There are as many as a model
 * has shapes of weights, and they live as long as the process.
 */
final class Packings {
  private static final List<Pair> KNOWN = new ArrayList<>();

  private Packings() {}

  /** Between a tensor's own layout and the one that a primitive wants. */
  static synchronized Packing of(MemorySegment plain, MemorySegment wanted) {
    for (Pair pair : KNOWN) {
      if (Dnnl.dnnl_memory_desc_equal(pair.plain, plain) != 0
          && Dnnl.dnnl_memory_desc_equal(pair.wanted, wanted) != 0) {
        return pair;
      }
    }
    Pair pair = new Pair(copy(plain), copy(wanted));
    KNOWN.add(pair);
    return pair;
  }

  private static MemorySegment copy(MemorySegment layout) {
    try (Arena local = Arena.ofConfined()) {
      MemorySegment out = local.allocate(ValueLayout.ADDRESS);
      OneDnn.check("memory descriptor", Dnnl.dnnl_memory_desc_clone(out, layout));
      return out.get(ValueLayout.ADDRESS, 0);
    }
  }

  private static final class Pair implements Packing {
    private final MemorySegment plain;
    private final MemorySegment wanted;

    Pair(MemorySegment plain, MemorySegment wanted) {
      this.plain = plain;
      this.wanted = wanted;
    }

    @Override
    public long bytes() {
      return OneDnn.bytes(wanted);
    }

    @Override
    public void pack(long from, long to) {
      try (Reorder reorder = new Reorder(plain, wanted)) {
        reorder.run(from, to);
      }
    }

    @Override
    public void unpack(long from, long to) {
      try (Reorder reorder = new Reorder(wanted, plain)) {
        reorder.run(from, to);
      }
    }
  }
}
