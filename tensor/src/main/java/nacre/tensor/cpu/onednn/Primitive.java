package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.onednn.Dnnl;
import nacre.bindings.onednn.dnnl_exec_arg_t;
import nacre.tensor.backend.Allocator;

/**
 * A built primitive with its argument list, executed by giving the addresses of its operands. Where
 * the primitive chose another layout than the operand's, a reorder to or from a buffer goes before
 * or after; the buffers are there for the time of a call only, since a model has hundreds of
 * primitives. Primitives are cached by signature and live as long as the process.
 */
final class Primitive {
  /**
   * An operand.
   *
   * @param argument oneDNN's argument number
   * @param layout how the operand lies in memory
   * @param output whether the primitive writes it
   */
  record Port(int argument, MemorySegment layout, boolean output) {
    static Port in(int argument, MemorySegment layout) {
      return new Port(argument, layout, false);
    }

    static Port out(int argument, MemorySegment layout) {
      return new Port(argument, layout, true);
    }
  }

  /**
   * Moves an operand between its layout and the primitive's.
   *
   * @param outside the operand
   * @param inside the same in the primitive's layout
   * @param offset where that begins in the buffer of a call
   */
  private record Reorder(
      MemorySegment primitive,
      MemorySegment arguments,
      MemorySegment outside,
      MemorySegment inside,
      long offset) {}

  private final MemorySegment primitive;
  private final MemorySegment arguments;
  private final MemorySegment[] memories;
  private final Reorder[] before;
  private final Reorder[] after;
  private final String implementation;
  private final long bufferBytes;

  /** Builds a primitive from its descriptor, which is consumed. */
  Primitive(MemorySegment descriptor, Port... ports) {
    OneDnn dnn = OneDnn.get();
    Arena arena = Arena.global();
    try (Arena local = Arena.ofConfined()) {
      MemorySegment out = local.allocate(ValueLayout.ADDRESS);
      OneDnn.check("primitive", Dnnl.dnnl_primitive_create(out, descriptor));
      primitive = out.get(ValueLayout.ADDRESS, 0);
      OneDnn.check(
          "query",
          Dnnl.dnnl_primitive_desc_query(descriptor, Dnnl.dnnl_query_impl_info_str(), 0, out));
      implementation = text(out.get(ValueLayout.ADDRESS, 0));
    }
    arguments = dnnl_exec_arg_t.allocateArray(ports.length, arena);
    memories = new MemorySegment[ports.length];
    before = new Reorder[ports.length];
    after = new Reorder[ports.length];
    long offset = 0;
    for (int i = 0; i < ports.length; i++) {
      Port port = ports[i];
      MemorySegment wanted =
          Dnnl.dnnl_primitive_desc_query_md(
              descriptor, Dnnl.dnnl_query_exec_arg_md(), port.argument);
      // Operands of post-operations are not answered for: they are as they were described.
      boolean same = wanted.address() == 0 || Dnnl.dnnl_memory_desc_equal(wanted, port.layout) != 0;
      MemorySegment memory;
      if (same) {
        memory = memory(dnn, port.layout);
        memories[i] = memory;
      } else {
        memory = memory(dnn, wanted);
        MemorySegment outside = memory(dnn, port.layout);
        if (port.output) {
          after[i] = reorder(dnn, wanted, memory, port.layout, outside, true, offset);
        } else {
          before[i] = reorder(dnn, wanted, memory, port.layout, outside, false, offset);
        }
        offset += (Dnnl.dnnl_memory_desc_get_size(wanted) + 63) & -64;
      }
      set(arguments, i, port.argument, memory);
    }
    bufferBytes = offset;
    Dnnl.dnnl_primitive_desc_destroy(descriptor);
  }

  @SuppressWarnings("restricted")
  private static String text(MemorySegment address) {
    return address.reinterpret(256).getString(0);
  }

  private static void set(MemorySegment arguments, int i, int argument, MemorySegment memory) {
    MemorySegment slot = dnnl_exec_arg_t.asSlice(arguments, i);
    dnnl_exec_arg_t.arg(slot, argument);
    dnnl_exec_arg_t.memory(slot, memory);
  }

  /** A memory object whose address is set before each use. */
  private static MemorySegment memory(OneDnn dnn, MemorySegment layout) {
    try (Arena local = Arena.ofConfined()) {
      MemorySegment out = local.allocate(ValueLayout.ADDRESS);
      OneDnn.check(
          "memory", Dnnl.dnnl_memory_create(out, layout, dnn.engine(), MemorySegment.NULL));
      return out.get(ValueLayout.ADDRESS, 0);
    }
  }

  private static Reorder reorder(
      OneDnn dnn,
      MemorySegment insideLayout,
      MemorySegment inside,
      MemorySegment outsideLayout,
      MemorySegment outside,
      boolean outwards,
      long offset) {
    try (Arena local = Arena.ofConfined()) {
      MemorySegment out = local.allocate(ValueLayout.ADDRESS);
      OneDnn.check(
          "reorder",
          Dnnl.dnnl_reorder_primitive_desc_create(
              out,
              outwards ? insideLayout : outsideLayout,
              dnn.engine(),
              outwards ? outsideLayout : insideLayout,
              dnn.engine(),
              MemorySegment.NULL));
      MemorySegment descriptor = out.get(ValueLayout.ADDRESS, 0);
      OneDnn.check("reorder", Dnnl.dnnl_primitive_create(out, descriptor));
      MemorySegment primitive = out.get(ValueLayout.ADDRESS, 0);
      Dnnl.dnnl_primitive_desc_destroy(descriptor);
      MemorySegment arguments = dnnl_exec_arg_t.allocateArray(2, Arena.global());
      set(arguments, 0, Dnnl.DNNL_ARG_SRC_0(), outwards ? inside : outside);
      set(arguments, 1, Dnnl.DNNL_ARG_DST_0(), outwards ? outside : inside);
      return new Reorder(primitive, arguments, outside, inside, offset);
    }
  }

  /**
   * Computes, with one address for each port, in their order. One call at a time: the memory
   * objects belong to the primitive.
   *
   * @param allocator lends the buffers of reorders
   */
  synchronized void execute(Allocator allocator, long... addresses) {
    if (bufferBytes == 0) {
      run(0, addresses);
      return;
    }
    long buffer = allocator.allocate(bufferBytes);
    try {
      run(buffer, addresses);
    } finally {
      allocator.free(buffer, bufferBytes);
    }
  }

  private void run(long buffer, long[] addresses) {
    OneDnn dnn = OneDnn.get();
    for (int i = 0; i < addresses.length; i++) {
      if (memories[i] != null) {
        set(memories[i], addresses[i]);
        continue;
      }
      Reorder r = before[i] != null ? before[i] : after[i];
      set(r.outside, addresses[i]);
      set(r.inside, buffer + r.offset);
      if (before[i] != null) {
        run(dnn, r.primitive, 2, r.arguments);
      }
    }
    run(dnn, primitive, addresses.length, arguments);
    for (Reorder r : after) {
      if (r != null) {
        run(dnn, r.primitive, 2, r.arguments);
      }
    }
  }

  private static void set(MemorySegment memory, long address) {
    int status = Dnnl.dnnl_memory_set_data_handle(memory, MemorySegment.ofAddress(address));
    OneDnn.check("data handle", status);
  }

  private void run(OneDnn dnn, MemorySegment primitive, int count, MemorySegment arguments) {
    int status = Dnnl.dnnl_primitive_execute(primitive, dnn.stream(), count, arguments);
    OneDnn.check(implementation, status);
  }
}
