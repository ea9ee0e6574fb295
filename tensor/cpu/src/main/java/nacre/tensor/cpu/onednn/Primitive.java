package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import nacre.bindings.onednn.Dnnl;
import nacre.bindings.onednn.dnnl_exec_arg_t;
import nacre.tensor.Packed;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.Packing;

/**
 * A built primitive with its argument list, executed by giving the addresses of its operands. Where
 * the primitive chose another layout than the operand's, a reorder to or from a buffer goes before
 * or after; the buffers are there for the time of a call only, since a model has hundreds of
 * primitives. Weights that are prepacked are reordered once and kept so. {@link Primitives} lends
 * primitives out.
 */
final class Primitive implements AutoCloseable {
  /**
   * An operand.
   *
   * @param argument oneDNN's argument number
   * @param layout how the operand lies in memory
   * @param output whether the primitive writes it
   * @param weights whether it is given as a tensor, which may keep it packed; one at most
   */
  record Port(int argument, MemorySegment layout, boolean output, boolean weights) {
    static Port in(int argument, MemorySegment layout) {
      return new Port(argument, layout, false, false);
    }

    static Port out(int argument, MemorySegment layout) {
      return new Port(argument, layout, true, false);
    }

    static Port weights(int argument, MemorySegment layout) {
      return new Port(argument, layout, false, true);
    }
  }

  /**
   * Moves an operand between its layout and the primitive's.
   *
   * @param reorder does it
   * @param inside the operand in the primitive's layout
   * @param offset where that begins in the buffer of a call
   */
  private record Detour(Reorder reorder, MemorySegment inside, long offset) {}

  private final MemorySegment primitive;
  private final MemorySegment arguments;
  private final MemorySegment[] memories;
  private final Detour[] before;
  private final Detour[] after;
  private final int count;
  private final String implementation;
  private final MemorySegment scratchpad;
  private final Packing packing;
  private final int weights;
  private final long bufferBytes;
  private final long bufferBytesWhenPacked;
  private final AtomicInteger users = new AtomicInteger(1);
  private boolean alone;

  /** Builds a primitive from its descriptor, which is consumed. */
  Primitive(MemorySegment descriptor, Port... ports) {
    primitive = OneDnn.primitive(descriptor);
    implementation = OneDnn.implementation(descriptor);
    arguments = dnnl_exec_arg_t.allocateArray(ports.length + 1, Arena.ofAuto());
    memories = new MemorySegment[ports.length];
    before = new Detour[ports.length];
    after = new Detour[ports.length];
    MemorySegment wantedScratchpad = wanted(descriptor, Dnnl.DNNL_ARG_SCRATCHPAD());
    long scratchpadBytes = OneDnn.bytes(wantedScratchpad);
    long offset = aligned(scratchpadBytes);
    int weightsAt = -1;
    Packing weightsPacking = null;
    for (int i = 0; i < ports.length; i++) {
      if (ports[i].weights) {
        weightsAt = i;
      } else {
        offset += connect(i, ports[i], wanted(descriptor, ports[i].argument), offset);
      }
    }
    bufferBytesWhenPacked = offset;
    if (weightsAt >= 0) { // last, since the buffer need not hold them when they are packed
      MemorySegment layout = wanted(descriptor, ports[weightsAt].argument);
      offset += connect(weightsAt, ports[weightsAt], layout, offset);
      if (before[weightsAt] != null) {
        weightsPacking = Packings.of(ports[weightsAt].layout, layout);
      }
    }
    bufferBytes = offset;
    weights = weightsAt;
    packing = weightsPacking;
    if (scratchpadBytes > 0) {
      scratchpad = OneDnn.memory(wantedScratchpad);
      set(arguments, ports.length, Dnnl.DNNL_ARG_SCRATCHPAD(), scratchpad);
      count = ports.length + 1;
    } else {
      scratchpad = null;
      count = ports.length;
    }
    Dnnl.dnnl_primitive_desc_destroy(descriptor);
  }

  private static MemorySegment wanted(MemorySegment descriptor, int argument) {
    return Dnnl.dnnl_primitive_desc_query_md(descriptor, Dnnl.dnnl_query_exec_arg_md(), argument);
  }

  private static long aligned(long bytes) {
    return (bytes + 63) & -64;
  }

  /** Makes the {@code i}-th argument; returns how much of the buffer it takes. */
  private long connect(int i, Port port, MemorySegment wanted, long offset) {
    // Operands of post-operations are not answered for: they are as they were described.
    boolean same = wanted.address() == 0 || Dnnl.dnnl_memory_desc_equal(wanted, port.layout) != 0;
    MemorySegment memory = OneDnn.memory(same ? port.layout : wanted);
    set(arguments, i, port.argument, memory);
    if (same) {
      memories[i] = memory;
      return 0;
    }
    if (port.output) {
      after[i] = new Detour(new Reorder(wanted, port.layout), memory, offset);
    } else {
      before[i] = new Detour(new Reorder(port.layout, wanted), memory, offset);
    }
    return aligned(OneDnn.bytes(wanted));
  }

  static void set(MemorySegment arguments, int i, int argument, MemorySegment memory) {
    MemorySegment slot = dnnl_exec_arg_t.asSlice(arguments, i);
    dnnl_exec_arg_t.arg(slot, argument);
    dnnl_exec_arg_t.memory(slot, memory);
  }

  /**
   * Computes, with one address for each port, in their order.
   *
   * @param allocator lends the buffers of reorders
   */
  void execute(Allocator allocator, long... addresses) {
    execute(allocator, 0, addresses);
  }

  /**
   * Computes with weights that may be packed.
   *
   * @param w the operand of {@link Port#weights}, whose place among the addresses is filled in here
   */
  void execute(Allocator allocator, Tensor w, long... addresses) {
    try (Packed packed = packing == null ? null : w.packed(packing)) {
      if (packed == null) {
        addresses[weights] = w.address();
        execute(allocator, 0, addresses);
      } else {
        execute(allocator, packed, addresses);
      }
    }
  }

  /** Computes with weights in the layout that {@link #packing} makes; their address is not read. */
  void execute(Allocator allocator, Packed packed, long... addresses) {
    addresses[weights] = packed.address();
    execute(allocator, packed.address(), addresses);
  }

  /** From the weights' own layout to that of the primitive; null where they are the same. */
  Packing packing() {
    return packing;
  }

  private void execute(Allocator allocator, long packed, long[] addresses) {
    long bytes = packed == 0 ? bufferBytes : bufferBytesWhenPacked;
    long buffer = bytes == 0 ? 0 : allocator.allocate(bytes);
    try {
      run(packed, buffer, addresses);
    } finally {
      if (bytes != 0) {
        allocator.free(buffer, bytes);
      }
    }
  }

  /** Says that it was built for one thread, and is to be executed by one. */
  Primitive alone() {
    alone = true;
    return this;
  }

  /** One call at a time: the memory objects belong to the primitive. */
  private synchronized void run(long packed, long buffer, long[] addresses) {
    int team = alone ? OneDnn.alone() : 0;
    try {
      compute(packed, buffer, addresses);
    } finally {
      OneDnn.together(team);
    }
  }

  private void compute(long packed, long buffer, long[] addresses) {
    for (int i = 0; i < addresses.length; i++) {
      if (memories[i] != null) {
        OneDnn.place(memories[i], addresses[i]);
      } else if (after[i] != null) {
        OneDnn.place(after[i].inside, buffer + after[i].offset);
      } else if (i == weights && packed != 0) {
        OneDnn.place(before[i].inside, packed);
      } else {
        OneDnn.place(before[i].inside, buffer + before[i].offset);
        before[i].reorder.run(addresses[i], buffer + before[i].offset);
      }
    }
    if (scratchpad != null) {
      OneDnn.place(scratchpad, buffer);
    }
    OneDnn.execute(implementation, primitive, count, arguments);
    for (int i = 0; i < addresses.length; i++) {
      if (after[i] != null) {
        after[i].reorder.run(buffer + after[i].offset, addresses[i]);
      }
    }
  }

  Primitive retain() {
    users.incrementAndGet();
    return this;
  }

  /** Ends the use; frees what the library holds for this primitive when nobody uses it any more. */
  @Override
  public void close() {
    if (users.decrementAndGet() > 0) {
      return;
    }
    Dnnl.dnnl_primitive_destroy(primitive);
    for (int i = 0; i < memories.length; i++) {
      if (memories[i] != null) {
        Dnnl.dnnl_memory_destroy(memories[i]);
      } else {
        Detour detour = before[i] != null ? before[i] : after[i];
        Dnnl.dnnl_memory_destroy(detour.inside);
        detour.reorder.close();
      }
    }
    if (scratchpad != null) {
      Dnnl.dnnl_memory_destroy(scratchpad);
    }
  }
}
