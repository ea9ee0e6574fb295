package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.onednn.Dnnl;
import nacre.bindings.onednn.dnnl_exec_arg_t;
import nacre.tensor.cpu.engine.Worth;

/** Moves elements from one layout to another. */
final class Reorder implements AutoCloseable {
  private final MemorySegment primitive;
  private final MemorySegment source;
  private final MemorySegment destination;
  private final boolean alone;
  private final MemorySegment arguments = dnnl_exec_arg_t.allocateArray(2, Arena.ofAuto());

  Reorder(MemorySegment from, MemorySegment to) {
    MemorySegment engine = OneDnn.get().engine();
    alone = !Worth.arithmetic(Math.max(OneDnn.bytes(from), OneDnn.bytes(to)) / Float.BYTES);
    int team = alone ? OneDnn.alone() : 0;
    try (Arena local = Arena.ofConfined()) {
      MemorySegment out = local.allocate(ValueLayout.ADDRESS);
      OneDnn.check(
          "reorder",
          Dnnl.dnnl_reorder_primitive_desc_create(
              out, from, engine, to, engine, MemorySegment.NULL));
      MemorySegment descriptor = out.get(ValueLayout.ADDRESS, 0);
      primitive = OneDnn.primitive(descriptor);
      Dnnl.dnnl_primitive_desc_destroy(descriptor);
    } finally {
      OneDnn.together(team);
    }
    source = OneDnn.memory(from);
    destination = OneDnn.memory(to);
    Primitive.set(arguments, 0, Dnnl.DNNL_ARG_SRC_0(), source);
    Primitive.set(arguments, 1, Dnnl.DNNL_ARG_DST_0(), destination);
  }

  /** Between two addresses; one call at a time. */
  synchronized void run(long from, long to) {
    OneDnn.place(source, from);
    OneDnn.place(destination, to);
    int team = alone ? OneDnn.alone() : 0;
    try {
      OneDnn.execute("reorder", primitive, 2, arguments);
    } finally {
      OneDnn.together(team);
    }
  }

  @Override
  public void close() {
    Dnnl.dnnl_primitive_destroy(primitive);
    Dnnl.dnnl_memory_destroy(source);
    Dnnl.dnnl_memory_destroy(destination);
  }
}
