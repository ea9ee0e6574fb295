package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.onednn.Dnnl;
import nacre.bindings.onednn.dnnl_exec_arg_t;

/**
 * A built primitive with its argument list, executed by giving the addresses of its operands. Where
 * the primitive chose another layout than the operand's, a reorder to or from a buffer of its own
 * goes before or after. Primitives are cached by signature and live as long as the process.
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

  /** Moves an operand between its layout and the primitive's. */
  private record Reorder(MemorySegment primitive, MemorySegment arguments, MemorySegment outside) {}

  private final MemorySegment primitive;
  private final MemorySegment arguments;
  private final MemorySegment[] memories;
  private final Reorder[] before;
  private final Reorder[] after;
  private final String implementation;

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
    for (int i = 0; i < ports.length; i++) {
      Port port = ports[i];
      MemorySegment wanted =
          Dnnl.dnnl_primitive_desc_query_md(
              descriptor, Dnnl.dnnl_query_exec_arg_md(), port.argument);
      // Operands of post-operations are not answered for: they are as they were described.
      boolean same = wanted.address() == 0 || Dnnl.dnnl_memory_desc_equal(wanted, port.layout) != 0;
      MemorySegment memory;
      if (same) {
        memory = memory(dnn, port.layout, MemorySegment.NULL);
        memories[i] = memory;
      } else {
        MemorySegment buffer = arena.allocate(Dnnl.dnnl_memory_desc_get_size(wanted), 64);
        memory = memory(dnn, wanted, buffer);
        MemorySegment outside = memory(dnn, port.layout, MemorySegment.NULL);
        if (port.output) {
          after[i] = reorder(dnn, wanted, memory, port.layout, outside, outside);
        } else {
          before[i] = reorder(dnn, port.layout, outside, wanted, memory, outside);
        }
      }
      set(arguments, i, port.argument, memory);
    }
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

  private static MemorySegment memory(OneDnn dnn, MemorySegment layout, MemorySegment data) {
    try (Arena local = Arena.ofConfined()) {
      MemorySegment out = local.allocate(ValueLayout.ADDRESS);
      OneDnn.check("memory", Dnnl.dnnl_memory_create(out, layout, dnn.engine(), data));
      return out.get(ValueLayout.ADDRESS, 0);
    }
  }

  private static Reorder reorder(
      OneDnn dnn,
      MemorySegment fromLayout,
      MemorySegment from,
      MemorySegment toLayout,
      MemorySegment to,
      MemorySegment outside) {
    try (Arena local = Arena.ofConfined()) {
      MemorySegment out = local.allocate(ValueLayout.ADDRESS);
      OneDnn.check(
          "reorder",
          Dnnl.dnnl_reorder_primitive_desc_create(
              out, fromLayout, dnn.engine(), toLayout, dnn.engine(), MemorySegment.NULL));
      MemorySegment descriptor = out.get(ValueLayout.ADDRESS, 0);
      OneDnn.check("reorder", Dnnl.dnnl_primitive_create(out, descriptor));
      MemorySegment primitive = out.get(ValueLayout.ADDRESS, 0);
      Dnnl.dnnl_primitive_desc_destroy(descriptor);
      MemorySegment arguments = dnnl_exec_arg_t.allocateArray(2, Arena.global());
      set(arguments, 0, Dnnl.DNNL_ARG_SRC_0(), from);
      set(arguments, 1, Dnnl.DNNL_ARG_DST_0(), to);
      return new Reorder(primitive, arguments, outside);
    }
  }

  /** oneDNN's name of the code that serves, such as {@code brg_conv_fwd:avx512_core}. */
  String implementation() {
    return implementation;
  }

  /** Computes, with one address for each port, in their order. */
  synchronized void execute(long... addresses) {
    OneDnn dnn = OneDnn.get();
    for (int i = 0; i < addresses.length; i++) {
      MemorySegment address = MemorySegment.ofAddress(addresses[i]);
      if (memories[i] != null) {
        set(memories[i], address);
      } else if (before[i] != null) {
        set(before[i].outside, address);
        run(dnn, before[i].primitive, 2, before[i].arguments);
      } else {
        set(after[i].outside, address);
      }
    }
    run(dnn, primitive, addresses.length, arguments);
    for (Reorder r : after) {
      if (r != null) {
        run(dnn, r.primitive, 2, r.arguments);
      }
    }
  }

  private static void set(MemorySegment memory, MemorySegment address) {
    OneDnn.check("data handle", Dnnl.dnnl_memory_set_data_handle(memory, address));
  }

  private void run(OneDnn dnn, MemorySegment primitive, int count, MemorySegment arguments) {
    int status = Dnnl.dnnl_primitive_execute(primitive, dnn.stream(), count, arguments);
    OneDnn.check(implementation, status);
  }
}
