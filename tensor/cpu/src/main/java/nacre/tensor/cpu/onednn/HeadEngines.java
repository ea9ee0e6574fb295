package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;
import nacre.bindings.onednn.Dnnl;
import nacre.tensor.DType;
import nacre.tensor.cpu.engine.HeadEngine;
import nacre.tensor.cpu.engine.HeadMatrix;
import nacre.tensor.cpu.engine.Worth;
import nacre.tensor.cpu.onednn.Attributes.Accumulate;
import nacre.tensor.cpu.onednn.Attributes.Scale;
import nacre.tensor.cpu.onednn.Attributes.Step;
import nacre.tensor.cpu.onednn.Primitive.Port;
import nacre.tensor.spi.Allocator;

/**
 * The parts of attention, lent to threads. A primitive runs one call at a time, and is planned for
 * the threads that it finds where it is built: one inside of a team, else all. So each borrower has
 * primitives of its own, numbered by how many borrow at a time.
 */
final class HeadEngines {
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

  private sealed interface Call {
    boolean worth();
  }

  private record Key(int number, boolean member, Call call) {
    /** A member of a team is alone as it is. */
    boolean worth() {
      return member || call.worth();
    }
  }

  private record Product(Form a, Form b, Form y, float scale, boolean add) implements Call {
    @Override
    public boolean worth() {
      return Worth.products((long) y.n * y.heads * y.rows * y.columns * a.columns);
    }
  }

  /** Softmax of so many rows, dense row after row or column after column. */
  private record Softmax(
      DType dtype, long rows, int columns, boolean columnsFirst, boolean backward) implements Call {
    static Softmax of(HeadMatrix p, boolean backward) {
      long rows = (long) p.n() * p.heads() * p.rows();
      return new Softmax(p.dtype(), rows, p.columns(), p.perColumn() != 1, backward);
    }

    @Override
    public boolean worth() {
      return Worth.functions(rows * columns);
    }

    MemorySegment layout(DType dtype) {
      return columnsFirst ? Layout.dense(dtype, columns, rows) : Layout.dense(dtype, rows, columns);
    }

    int axis() {
      return columnsFirst ? 0 : 1;
    }
  }

  private final Allocator allocator;
  private final Primitives<Key> primitives = new Primitives<>(HeadEngines::build, Key::worth);
  private final Deque<Integer> idle = new ConcurrentLinkedDeque<>();
  private final AtomicInteger numbers = new AtomicInteger();

  /** Buffers of reorders come from {@code allocator}. */
  HeadEngines(Allocator allocator) {
    this.allocator = allocator;
  }

  HeadEngine lend(boolean member) {
    Integer number = idle.pollFirst();
    return new Lent(number == null ? numbers.getAndIncrement() : number, member);
  }

  private final class Lent implements HeadEngine {
    private final int number;
    private final boolean member;

    Lent(int number, boolean member) {
      this.number = number;
      this.member = member;
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
      Product call = new Product(Form.of(a), Form.of(b), Form.of(y), (float) scale, add);
      run(call, a.address(), b.address(), y.address());
    }

    @Override
    public void softmax(HeadMatrix scores, HeadMatrix p) {
      run(Softmax.of(p, false), scores.address(), p.address());
    }

    @Override
    public void softmaxBackward(HeadMatrix p, HeadMatrix dp, HeadMatrix ds) {
      run(Softmax.of(ds, true), p.address(), dp.address(), ds.address());
    }

    private void run(Call call, long... addresses) {
      try (Primitive p = primitives.lend(new Key(number, member, call))) {
        p.execute(allocator, addresses);
      }
    }

    @Override
    public void close() {
      idle.addFirst(number);
    }
  }

  private static Primitive build(Key key) {
    return switch (key.call) {
      case Product k -> build(k);
      case Softmax k -> k.backward ? buildBackward(k) : build(k);
    };
  }

  private static Primitive build(Product k) {
    MemorySegment a = k.a.layout();
    MemorySegment b = k.b.layout();
    MemorySegment y = k.y.layout();
    List<Step> steps = new ArrayList<>();
    if (k.scale != 1) {
      steps.add(new Scale(k.scale));
    }
    if (k.add) {
      steps.add(new Accumulate());
    }
    MemorySegment attributes = Attributes.of(steps);
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
      Layout.destroy(a, b, y);
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
    } finally {
      Layout.destroy(scores, p);
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
    } finally {
      Layout.destroy(p, ds);
    }
  }
}
