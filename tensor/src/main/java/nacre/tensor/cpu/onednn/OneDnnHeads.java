package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.function.Function;
import nacre.bindings.onednn.Dnnl;
import nacre.tensor.DType;
import nacre.tensor.backend.Allocator;
import nacre.tensor.cpu.HeadEngine;
import nacre.tensor.cpu.HeadMatrix;
import nacre.tensor.cpu.onednn.Primitive.Port;

/**
 * The parts of attention. Members of a team call them at the same time, so each borrows a primitive
 * for the time of a call; there are as many of one kind as were ever in use together. A primitive
 * is planned for the threads that it finds where it is built: one inside of a team, else all. So
 * the two uses want an object each.
 */
final class OneDnnHeads implements HeadEngine {
  /** How matrices lie, wherever they are. */
  private record Form(
      DType dtype,
      int n,
      int heads,
      int rows,
      int columns,
      long perEntry,
      long perHead,
      long perRow,
      long perColumn) {
    static Form of(HeadMatrix m) {
      return new Form(
          m.dtype(),
          m.n(),
          m.heads(),
          m.rows(),
          m.columns(),
          m.perEntry(),
          m.perHead(),
          m.perRow(),
          m.perColumn());
    }

    MemorySegment layout() {
      return Layout.strided(
          dtype,
          new long[] {n, heads, rows, columns},
          new long[] {perEntry, perHead, perRow, perColumn});
    }
  }

  private sealed interface Key {}

  private record Product(Form a, Form b, Form y, float scale, boolean add) implements Key {}

  /** Softmax of so many rows, dense row after row or column after column. */
  private record Softmax(
      DType dtype, long rows, int columns, boolean columnsFirst, boolean backward) implements Key {
    static Softmax of(HeadMatrix p, boolean backward) {
      long rows = (long) p.n() * p.heads() * p.rows();
      return new Softmax(p.dtype(), rows, p.columns(), p.perColumn() != 1, backward);
    }

    MemorySegment layout(DType dtype) {
      return columnsFirst ? Layout.dense(dtype, columns, rows) : Layout.dense(dtype, rows, columns);
    }

    int axis() {
      return columnsFirst ? 0 : 1;
    }
  }

  private final Allocator allocator;
  private final Map<Key, Deque<Primitive>> idle = new ConcurrentHashMap<>();

  /** Buffers of reorders come from {@code allocator}. */
  OneDnnHeads(Allocator allocator) {
    this.allocator = allocator;
  }

  private <K extends Key> void run(K key, Function<K, Primitive> build, long... addresses) {
    Deque<Primitive> pool = idle.computeIfAbsent(key, _ -> new ConcurrentLinkedDeque<>());
    Primitive idlePrimitive = pool.pollFirst();
    Primitive p = idlePrimitive == null ? build.apply(key) : idlePrimitive;
    p.execute(allocator, addresses);
    pool.addFirst(p);
  }

  @Override
  public void multiply(HeadMatrix a, HeadMatrix b, double scale, HeadMatrix y) {
    multiply(a, b, scale, y, false);
  }

  @Override
  public void multiplyAndAdd(HeadMatrix a, HeadMatrix b, double scale, HeadMatrix y) {
    multiply(a, b, scale, y, true);
  }

  private void multiply(HeadMatrix a, HeadMatrix b, double scale, HeadMatrix y, boolean add) {
    Product key = new Product(Form.of(a), Form.of(b), Form.of(y), (float) scale, add);
    run(key, OneDnnHeads::build, a.address(), b.address(), y.address());
  }

  @Override
  public void softmax(HeadMatrix scores, HeadMatrix p) {
    run(Softmax.of(p, false), OneDnnHeads::build, scores.address(), p.address());
  }

  @Override
  public void softmaxBackward(HeadMatrix p, HeadMatrix dp, HeadMatrix ds) {
    run(Softmax.of(ds, true), OneDnnHeads::buildBackward, p.address(), dp.address(), ds.address());
  }

  private static Primitive build(Product k) {
    MemorySegment a = k.a.layout();
    MemorySegment b = k.b.layout();
    MemorySegment y = k.y.layout();
    MemorySegment attributes = Attributes.sum(k.scale, k.add);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      OneDnn.check(
          "attention product " + k,
          Dnnl.dnnl_matmul_primitive_desc_create(
              out, OneDnn.get().engine(), a, b, MemorySegment.NULL, y, attributes));
      return new Primitive(
          out.get(ValueLayout.ADDRESS, 0),
          Port.in(Dnnl.DNNL_ARG_SRC_0(), a),
          Port.in(Dnnl.DNNL_ARG_WEIGHTS_0(), b),
          Port.out(Dnnl.DNNL_ARG_DST_0(), y));
    } finally {
      Attributes.destroy(attributes);
    }
  }

  private static MemorySegment descriptor(
      Softmax k, MemorySegment scores, MemorySegment p, int propagation, Arena arena) {
    MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
    OneDnn.check(
        "softmax",
        Dnnl.dnnl_softmax_forward_primitive_desc_create(
            out,
            OneDnn.get().engine(),
            propagation,
            Dnnl.dnnl_softmax_accurate(),
            scores,
            p,
            k.axis(),
            MemorySegment.NULL));
    return out.get(ValueLayout.ADDRESS, 0);
  }

  private static Primitive build(Softmax k) {
    MemorySegment scores = k.layout(DType.F32);
    MemorySegment p = k.layout(k.dtype);
    try (Arena arena = Arena.ofConfined()) {
      return new Primitive(
          descriptor(k, scores, p, Dnnl.dnnl_forward_inference(), arena),
          Port.in(Dnnl.DNNL_ARG_SRC_0(), scores),
          Port.out(Dnnl.DNNL_ARG_DST_0(), p));
    }
  }

  private static Primitive buildBackward(Softmax k) {
    MemorySegment p = k.layout(DType.F32);
    MemorySegment ds = k.layout(k.dtype);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment hint = descriptor(k, p, p, Dnnl.dnnl_forward_training(), arena);
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      OneDnn.check(
          "softmax backward",
          Dnnl.dnnl_softmax_backward_primitive_desc_create(
              out,
              OneDnn.get().engine(),
              Dnnl.dnnl_softmax_accurate(),
              ds,
              p,
              p,
              k.axis(),
              hint,
              MemorySegment.NULL));
      Dnnl.dnnl_primitive_desc_destroy(hint);
      return new Primitive(
          out.get(ValueLayout.ADDRESS, 0),
          Port.in(Dnnl.DNNL_ARG_DST_0(), p),
          Port.in(Dnnl.DNNL_ARG_DIFF_DST_0(), p),
          Port.out(Dnnl.DNNL_ARG_DIFF_SRC_0(), ds));
    }
  }
}
