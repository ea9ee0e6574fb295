package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import nacre.bindings.onednn.Dnnl;
import nacre.tensor.DType;
import nacre.tensor.cpu.engine.Worth;
import nacre.tensor.cpu.onednn.Attributes.Apply;
import nacre.tensor.cpu.onednn.Attributes.Combine;
import nacre.tensor.cpu.onednn.Attributes.Step;
import nacre.tensor.cpu.onednn.Primitive.Port;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Unary;

/** Elements of matrices [rows, columns] combined with others, or with a row that meets all rows. */
final class Pointwise {
  /**
   * A signature.
   *
   * @param f of the matrix and the other operand
   * @param other the other operand's type
   * @param repeated whether that is one row
   * @param shift whether another such row is added then
   * @param then what is applied last, or null
   */
  private record Key(
      DType dtype,
      long rows,
      int columns,
      Binary f,
      DType other,
      boolean repeated,
      boolean shift,
      Unary then) {
    boolean worth() {
      return then == null ? Worth.arithmetic(rows * columns) : Worth.functions(rows * columns);
    }
  }

  private final Allocator allocator;
  private final Primitives<Key> primitives = new Primitives<>(Pointwise::build, Key::worth);

  /** Scratchpads come from {@code allocator}. */
  Pointwise(Allocator allocator) {
    this.allocator = allocator;
  }

  void scaleShift(
      long x, DType dtype, long rows, int columns, long scale, long shift, Unary f, long y) {
    Key key = new Key(dtype, rows, columns, Binary.MULTIPLY, DType.F32, true, true, f);
    try (Primitive p = primitives.lend(key)) {
      p.execute(allocator, x, scale, y, shift);
    }
  }

  void binary(
      Binary f, long a, long b, boolean repeated, DType dtype, long rows, int columns, long y) {
    Key key = new Key(dtype, rows, columns, f, dtype, repeated, false, null);
    try (Primitive p = primitives.lend(key)) {
      p.execute(allocator, a, b, y);
    }
  }

  private static Primitive build(Key k) {
    MemorySegment x = Layout.dense(k.dtype, k.rows, k.columns);
    MemorySegment other = Layout.dense(k.other, k.repeated ? 1 : k.rows, k.columns);
    List<Step> steps = new ArrayList<>();
    if (k.shift) {
      steps.add(new Combine(Binary.ADD, other));
    }
    if (k.then != null) {
      steps.add(new Apply(k.then));
    }
    MemorySegment attributes = Attributes.of(steps);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      OneDnn.check(
          "elementwise " + k,
          Dnnl.dnnl_binary_primitive_desc_create(
              out, OneDnn.get().engine(), Attributes.algorithm(k.f), x, other, x, attributes));
      Port[] ports = new Port[k.shift ? 4 : 3];
      ports[0] = Port.in(Dnnl.DNNL_ARG_SRC_0(), x);
      ports[1] = Port.in(Dnnl.DNNL_ARG_SRC_1(), other);
      ports[2] = Port.out(Dnnl.DNNL_ARG_DST_0(), x);
      if (k.shift) {
        ports[3] = Port.in(Attributes.argument(0), other);
      }
      return new Primitive(out.get(ValueLayout.ADDRESS, 0), ports);
    } finally {
      Attributes.destroy(attributes);
      Layout.destroy(x, other);
    }
  }
}
