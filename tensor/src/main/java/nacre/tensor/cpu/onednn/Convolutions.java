package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import nacre.bindings.onednn.Dnnl;
import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.backend.Allocator;
import nacre.tensor.backend.Unary;
import nacre.tensor.backend.Window;
import nacre.tensor.cpu.onednn.Primitive.Port;

/** Convolutions of channels-last images: forward, input gradient, weight gradient. */
final class Convolutions {
  private enum Direction {
    FORWARD,
    INPUT_GRADIENT,
    WEIGHT_GRADIENT
  }

  private record Key(
      Direction direction,
      DType dtype,
      Shape x,
      Shape w,
      Window window,
      boolean bias,
      boolean residual,
      Unary f) {}

  private final Allocator allocator;
  private final Map<Key, Primitive> primitives = new ConcurrentHashMap<>();

  /** Buffers of reorders come from {@code allocator}. */
  Convolutions(Allocator allocator) {
    this.allocator = allocator;
  }

  void forward(Tensor x, Tensor w, Tensor bias, Tensor residual, Unary f, Window window, Tensor y) {
    Key key =
        new Key(
            Direction.FORWARD,
            x.dtype(),
            x.shape(),
            w.shape(),
            window,
            bias != null,
            residual != null,
            f);
    Primitive p = primitives.computeIfAbsent(key, Convolutions::buildForward);
    long[] a = new long[3 + (bias == null ? 0 : 1) + (residual == null ? 0 : 1)];
    int i = 0;
    a[i++] = x.address();
    a[i++] = w.address();
    a[i++] = y.address();
    if (bias != null) {
      a[i++] = bias.address();
    }
    if (residual != null) {
      a[i] = residual.address();
    }
    p.execute(allocator, a);
  }

  void inputGradient(Tensor dy, Tensor w, Window window, Tensor dx) {
    Key key =
        new Key(
            Direction.INPUT_GRADIENT,
            dx.dtype(),
            dx.shape(),
            w.shape(),
            window,
            false,
            false,
            null);
    primitives
        .computeIfAbsent(key, Convolutions::buildInputGradient)
        .execute(allocator, dy.address(), w.address(), dx.address());
  }

  void weightGradient(Tensor x, Tensor dy, Window window, Tensor dw, Tensor db) {
    Key key =
        new Key(
            Direction.WEIGHT_GRADIENT,
            x.dtype(),
            x.shape(),
            dw.shape(),
            window,
            db != null,
            false,
            null);
    Primitive p = primitives.computeIfAbsent(key, Convolutions::buildWeightGradient);
    if (db == null) {
      p.execute(allocator, x.address(), dy.address(), dw.address());
    } else {
      p.execute(allocator, x.address(), dy.address(), dw.address(), db.address());
    }
  }

  /** The layouts that all three directions share. */
  private record Layouts(
      MemorySegment x, MemorySegment w, MemorySegment wAny, MemorySegment y, MemorySegment bias) {
    static Layouts of(Key k) {
      int n = k.x.dim(0);
      int h = k.x.dim(1);
      int wd = k.x.dim(2);
      int in = k.x.dim(3);
      int out = k.w.dim(0);
      int kh = k.w.dim(1);
      int kw = k.w.dim(2);
      return new Layouts(
          Layout.channelsLast(k.dtype, n, in, h, wd),
          Layout.channelsLast(k.dtype, out, in, kh, kw),
          Layout.any(k.dtype, out, in, kh, kw),
          Layout.channelsLast(
              k.dtype, n, out, k.window.outHeight(h, kh), k.window.outWidth(wd, kw)),
          k.bias ? Layout.dense(k.dtype, out) : MemorySegment.NULL);
    }
  }

  private static MemorySegment forwardDescriptor(Key k, Layouts l, MemorySegment attributes) {
    try (Arena a = Arena.ofConfined()) {
      MemorySegment out = a.allocate(ValueLayout.ADDRESS);
      OneDnn.check(
          "conv2d " + k,
          Dnnl.dnnl_convolution_forward_primitive_desc_create(
              out,
              OneDnn.get().engine(),
              Dnnl.dnnl_forward_training(),
              Dnnl.dnnl_convolution_direct(),
              l.x,
              l.wAny,
              l.bias,
              l.y,
              longs(a, k.window.stride(), k.window.stride()),
              longs(a, 0, 0),
              longs(a, k.window.top(), k.window.left()),
              longs(a, k.window.bottom(), k.window.right()),
              attributes));
      return out.get(ValueLayout.ADDRESS, 0);
    }
  }

  private static MemorySegment longs(Arena arena, long... values) {
    return arena.allocateFrom(ValueLayout.JAVA_LONG, values);
  }

  private static Primitive buildForward(Key k) {
    Layouts l = Layouts.of(k);
    MemorySegment attributes = Attributes.of(1f, k.residual ? l.y : null, k.f);
    MemorySegment descriptor = forwardDescriptor(k, l, attributes);
    Attributes.destroy(attributes);
    Port[] ports = new Port[3 + (k.bias ? 1 : 0) + (k.residual ? 1 : 0)];
    int i = 0;
    ports[i++] = Port.in(Dnnl.DNNL_ARG_SRC_0(), l.x);
    ports[i++] = Port.in(Dnnl.DNNL_ARG_WEIGHTS_0(), l.w);
    ports[i++] = Port.out(Dnnl.DNNL_ARG_DST_0(), l.y);
    if (k.bias) {
      ports[i++] = Port.in(Dnnl.DNNL_ARG_BIAS(), l.bias);
    }
    if (k.residual) {
      ports[i] = Port.in(Attributes.residualArgument(), l.y);
    }
    return new Primitive(descriptor, ports);
  }

  private static Primitive buildInputGradient(Key k) {
    Layouts l = Layouts.of(k);
    MemorySegment hint = forwardDescriptor(k, l, MemorySegment.NULL);
    try (Arena a = Arena.ofConfined()) {
      MemorySegment out = a.allocate(ValueLayout.ADDRESS);
      OneDnn.check(
          "conv2d input gradient " + k,
          Dnnl.dnnl_convolution_backward_data_primitive_desc_create(
              out,
              OneDnn.get().engine(),
              Dnnl.dnnl_convolution_direct(),
              l.x,
              l.wAny,
              l.y,
              longs(a, k.window.stride(), k.window.stride()),
              longs(a, 0, 0),
              longs(a, k.window.top(), k.window.left()),
              longs(a, k.window.bottom(), k.window.right()),
              hint,
              MemorySegment.NULL));
      Dnnl.dnnl_primitive_desc_destroy(hint);
      return new Primitive(
          out.get(ValueLayout.ADDRESS, 0),
          Port.in(Dnnl.DNNL_ARG_DIFF_DST_0(), l.y),
          Port.in(Dnnl.DNNL_ARG_WEIGHTS_0(), l.w),
          Port.out(Dnnl.DNNL_ARG_DIFF_SRC_0(), l.x));
    }
  }

  /** Whether there is code for this type on this processor, backward and forward. */
  static boolean trains(DType dtype) {
    Shape image = Shape.of(1, 4, 4, 8);
    Shape kernel = Shape.of(8, 3, 3, 8);
    Window window = Window.of(1, 1);
    Key key = new Key(Direction.WEIGHT_GRADIENT, dtype, image, kernel, window, false, false, null);
    try {
      Dnnl.dnnl_primitive_desc_destroy(weightGradientDescriptor(key, Layouts.of(key)));
      return true;
    } catch (OneDnn.NotImplemented e) {
      return false;
    }
  }

  private static MemorySegment weightGradientDescriptor(Key k, Layouts l) {
    MemorySegment hint = forwardDescriptor(k, l, MemorySegment.NULL);
    try (Arena a = Arena.ofConfined()) {
      MemorySegment out = a.allocate(ValueLayout.ADDRESS);
      OneDnn.check(
          "conv2d weight gradient " + k,
          Dnnl.dnnl_convolution_backward_weights_primitive_desc_create(
              out,
              OneDnn.get().engine(),
              Dnnl.dnnl_convolution_direct(),
              l.x,
              l.wAny,
              l.bias,
              l.y,
              longs(a, k.window.stride(), k.window.stride()),
              longs(a, 0, 0),
              longs(a, k.window.top(), k.window.left()),
              longs(a, k.window.bottom(), k.window.right()),
              hint,
              MemorySegment.NULL));
      return out.get(ValueLayout.ADDRESS, 0);
    } finally {
      Dnnl.dnnl_primitive_desc_destroy(hint);
    }
  }

  private static Primitive buildWeightGradient(Key k) {
    Layouts l = Layouts.of(k);
    Port[] ports = new Port[k.bias ? 4 : 3];
    ports[0] = Port.in(Dnnl.DNNL_ARG_SRC_0(), l.x);
    ports[1] = Port.in(Dnnl.DNNL_ARG_DIFF_DST_0(), l.y);
    ports[2] = Port.out(Dnnl.DNNL_ARG_DIFF_WEIGHTS_0(), l.w);
    if (k.bias) {
      ports[3] = Port.out(Dnnl.DNNL_ARG_DIFF_BIAS(), l.bias);
    }
    return new Primitive(weightGradientDescriptor(k, l), ports);
  }
}
