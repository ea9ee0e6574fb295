package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import nacre.bindings.onednn.Dnnl;
import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.Worth;
import nacre.tensor.cpu.onednn.Attributes.Apply;
import nacre.tensor.cpu.onednn.Attributes.Combine;
import nacre.tensor.cpu.onednn.Attributes.Step;
import nacre.tensor.cpu.onednn.Primitive.Port;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Unary;

/** Matrix products, with any strides, and the weight gradient of a linear layer. */
final class MatrixProducts {
  /**
   * A matrix or a batch of them somewhere in memory.
   *
   * @param dtype of the elements
   * @param dims extents, batch axes first
   * @param strides in elements
   */
  record Matrix(DType dtype, List<Long> dims, List<Long> strides) {
    MemorySegment layout() {
      return Layout.strided(dtype, array(dims), array(strides));
    }

    private static long[] array(List<Long> values) {
      return values.stream().mapToLong(Long::longValue).toArray();
    }

    /** Batches [b, rows, columns], stored with rows and columns swapped if so said. */
    static Matrix batched(DType dtype, long b, long rows, long columns, boolean transposed) {
      return new Matrix(
          dtype,
          List.of(b, rows, columns),
          List.of(rows * columns, transposed ? 1 : columns, transposed ? rows : 1L));
    }
  }

  /**
   * A product's signature.
   *
   * @param packs whether b is a prepacked tensor, which the primitive may want in a layout of its
   *     own
   * @param f nullable
   * @param then how the result is combined with another tensor of its shape; nullable
   */
  private record Key(
      Matrix a, Matrix b, Matrix y, boolean packs, boolean bias, Unary f, Binary then) {
    boolean worth() {
      long elements = y.dims.stream().mapToLong(Long::longValue).reduce(1, (n, m) -> n * m);
      return Worth.products(elements * a.dims.getLast());
    }
  }

  private record GradientKey(DType dtype, long rows, int in, int out, boolean bias) {
    boolean worth() {
      return Worth.products(rows * in * out);
    }
  }

  private final Allocator allocator;
  private final Primitives<Key> products = new Primitives<>(MatrixProducts::build, Key::worth);
  private final Primitives<GradientKey> gradients =
      new Primitives<>(MatrixProducts::buildGradient, GradientKey::worth);

  /** Buffers of reorders come from {@code allocator}. */
  MatrixProducts(Allocator allocator) {
    this.allocator = allocator;
  }

  /** The product of {@link nacre.tensor.spi.Backend#matmul}. */
  void multiply(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor bias, Unary f, Tensor y) {
    Shape sa = a.shape();
    int k = sa.dim(transposeA ? -2 : -1);
    int m = sa.dim(transposeA ? -1 : -2);
    int n = y.dim(-1);
    long batch = sa.elements(0, sa.rank() - 2);
    boolean shared = b.shape().rank() == 2 && sa.rank() > 2;
    DType t = a.dtype();
    Matrix ma;
    Matrix mb;
    Matrix my;
    if (batch == 1 || (shared && !transposeA)) {
      ma = matrix(t, batch * m, k, transposeA);
      mb = matrix(t, k, n, transposeB);
      my = matrix(t, batch * m, n, false);
    } else {
      ma = Matrix.batched(t, batch, m, k, transposeA);
      mb = Matrix.batched(t, shared ? 1 : batch, k, n, transposeB);
      my = Matrix.batched(t, batch, m, n, false);
    }
    multiply(ma, a, mb, b, bias, f, null, null, my, y);
  }

  /** The product of {@link nacre.tensor.cpu.engine.MatrixEngine#linear}. */
  void linear(Tensor x, Tensor w, Tensor bias, Unary f, Binary then, Tensor other, Tensor y) {
    int in = w.dim(1);
    int out = w.dim(0);
    long rows = x.elements() / in;
    Matrix mx = matrix(x.dtype(), rows, in, false);
    Matrix mw = matrix(x.dtype(), in, out, true);
    Matrix my = matrix(x.dtype(), rows, out, false);
    multiply(mx, x, mw, w, bias, f, then, other, my, y);
  }

  private void multiply(
      Matrix ma,
      Tensor a,
      Matrix mb,
      Tensor b,
      Tensor bias,
      Unary f,
      Binary then,
      Tensor other,
      Matrix my,
      Tensor y) {
    boolean packs = b.prepacked() && mb.dims.size() == 2;
    long[] addresses = new long[3 + (bias == null ? 0 : 1) + (then == null ? 0 : 1)];
    addresses[0] = a.address();
    addresses[2] = y.address();
    int i = 3;
    if (bias != null) {
      addresses[i++] = bias.address();
    }
    if (then != null) {
      addresses[i] = other.address();
    }
    Key key = new Key(ma, mb, my, packs, bias != null, f, then);
    try (Primitive p = products.lend(key)) {
      if (packs) {
        p.execute(allocator, b, addresses);
      } else {
        addresses[1] = b.address();
        p.execute(allocator, addresses);
      }
    }
  }

  private static Matrix matrix(DType dtype, long rows, long columns, boolean transposed) {
    return new Matrix(
        dtype, List.of(rows, columns), List.of(transposed ? 1 : columns, transposed ? rows : 1L));
  }

  private static Primitive build(Key k) {
    int rank = k.y.dims.size();
    long[] biasDims = new long[rank];
    Arrays.fill(biasDims, 1);
    biasDims[rank - 1] = k.y.dims.getLast();
    MemorySegment a = k.a.layout();
    MemorySegment b = k.b.layout();
    MemorySegment wanted = k.packs ? Layout.any(k.b.dtype, Matrix.array(k.b.dims)) : b;
    MemorySegment y = k.y.layout();
    MemorySegment bias = k.bias ? Layout.dense(k.a.dtype, biasDims) : MemorySegment.NULL;
    List<Step> steps = new ArrayList<>();
    if (k.f != null) {
      steps.add(new Apply(k.f));
    }
    if (k.then != null) {
      steps.add(new Combine(k.then, y));
    }
    MemorySegment attributes = Attributes.of(steps);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      OneDnn.check(
          "matmul " + k,
          Dnnl.dnnl_matmul_primitive_desc_create(
              out, OneDnn.get().engine(), a, wanted, bias, y, attributes));
      List<Port> ports = new ArrayList<>();
      ports.add(Port.in(Dnnl.DNNL_ARG_SRC_0(), a));
      int weights = Dnnl.DNNL_ARG_WEIGHTS_0();
      ports.add(k.packs ? Port.weights(weights, b) : Port.in(weights, b));
      ports.add(Port.out(Dnnl.DNNL_ARG_DST_0(), y));
      if (k.bias) {
        ports.add(Port.in(Dnnl.DNNL_ARG_BIAS(), bias));
      }
      if (k.then != null) {
        ports.add(Port.in(Attributes.argument(steps.size() - 1), y));
      }
      return new Primitive(out.get(ValueLayout.ADDRESS, 0), ports.toArray(Port[]::new));
    } finally {
      Attributes.destroy(attributes);
      Layout.destroy(a, b, y, bias);
      if (k.packs) {
        Layout.destroy(wanted);
      }
    }
  }

  /** dw [O, I] = dyᵀ x and db [O], by the primitive made for it, which splits the long axis. */
  void weightGradient(Tensor x, Tensor dy, Tensor dw, Tensor db) {
    long rows = x.elements() / x.dim(-1);
    GradientKey key = new GradientKey(x.dtype(), rows, x.dim(-1), dy.dim(-1), db != null);
    try (Primitive p = gradients.lend(key)) {
      if (db == null) {
        p.execute(allocator, x.address(), dy.address(), dw.address());
      } else {
        p.execute(allocator, x.address(), dy.address(), dw.address(), db.address());
      }
    }
  }

  private static Primitive buildGradient(GradientKey k) {
    MemorySegment x = Layout.dense(k.dtype, k.rows, k.in);
    MemorySegment w = Layout.dense(k.dtype, k.out, k.in);
    MemorySegment y = Layout.dense(k.dtype, k.rows, k.out);
    MemorySegment wAny = Layout.any(k.dtype, k.out, k.in);
    MemorySegment bias = k.bias ? Layout.dense(k.dtype, k.out) : MemorySegment.NULL;
    MemorySegment engine = OneDnn.get().engine();
    MemorySegment attributes = Attributes.plain();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      OneDnn.check(
          "linear " + k,
          Dnnl.dnnl_inner_product_forward_primitive_desc_create(
              out, engine, Dnnl.dnnl_forward_training(), x, wAny, bias, y, attributes));
      MemorySegment hint = out.get(ValueLayout.ADDRESS, 0);
      OneDnn.check(
          "linear weight gradient " + k,
          Dnnl.dnnl_inner_product_backward_weights_primitive_desc_create(
              out, engine, x, wAny, bias, y, hint, attributes));
      Dnnl.dnnl_primitive_desc_destroy(hint);
      Port[] ports = new Port[k.bias ? 4 : 3];
      ports[0] = Port.in(Dnnl.DNNL_ARG_SRC_0(), x);
      ports[1] = Port.in(Dnnl.DNNL_ARG_DIFF_DST_0(), y);
      ports[2] = Port.out(Dnnl.DNNL_ARG_DIFF_WEIGHTS_0(), w);
      if (k.bias) {
        ports[3] = Port.out(Dnnl.DNNL_ARG_DIFF_BIAS(), bias);
      }
      return new Primitive(out.get(ValueLayout.ADDRESS, 0), ports);
    } finally {
      Attributes.destroy(attributes);
      Layout.destroy(x, w, y, wAny, bias);
    }
  }
}
