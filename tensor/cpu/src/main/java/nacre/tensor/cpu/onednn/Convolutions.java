package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
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
import nacre.tensor.spi.Window;

/** Convolutions of channels-last images: forward, input gradient, weight gradient. */
final class Convolutions {
  private enum Direction {
    FORWARD,
    INPUT_GRADIENT,
    WEIGHT_GRADIENT
  }

  /**
   * A convolution's signature.
   *
   * @param residual of the whole result's shape, or [N, 1, 1, O]; null for none
   */
  private record Key(
      Direction direction,
      DType dtype,
      Shape x,
      Shape w,
      Window window,
      boolean bias,
      Shape residual,
      Unary f) {
    boolean worth() {
      long pixels =
          (long) x.dim(0)
              * window.outHeight(x.dim(1), w.dim(1))
              * window.outWidth(x.dim(2), w.dim(2));
      return Worth.products(pixels * w.elements());
    }

    Key as(Direction other) {
      return new Key(other, dtype, x, w, window, bias, residual, f);
    }
  }

  private final Allocator allocator;
  private final Primitives<Key> primitives = new Primitives<>(Convolutions::build, Key::worth);

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
            residual == null ? null : residual.shape(),
            f);
    long[] a = new long[3 + (bias == null ? 0 : 1) + (residual == null ? 0 : 1)];
    a[0] = x.address();
    a[2] = y.address();
    int i = 3;
    if (bias != null) {
      a[i++] = bias.address();
    }
    if (residual != null) {
      a[i] = residual.address();
    }
    try (Primitive p = primitives.lend(key)) {
      p.execute(allocator, w, a);
    }
  }

  void inputGradient(Tensor dy, Tensor w, Window window, Tensor dx) {
    Key key =
        new Key(
            Direction.INPUT_GRADIENT, dx.dtype(), dx.shape(), w.shape(), window, false, null, null);
    try (Primitive p = primitives.lend(key)) {
      p.execute(allocator, w, dy.address(), 0, dx.address());
    }
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
            null,
            null);
    try (Primitive p = primitives.lend(key)) {
      if (db == null) {
        p.execute(allocator, x.address(), dy.address(), dw.address());
      } else {
        p.execute(allocator, x.address(), dy.address(), dw.address(), db.address());
      }
    }
  }

  /** The layouts that all three directions share. */
  private record Layouts(
      MemorySegment x,
      MemorySegment w,
      MemorySegment wAny,
      MemorySegment y,
      MemorySegment bias,
      MemorySegment residual)
      implements AutoCloseable {
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
          k.bias ? Layout.dense(k.dtype, out) : MemorySegment.NULL,
          k.residual == null
              ? MemorySegment.NULL
              : Layout.channelsLast(k.dtype, n, out, k.residual.dim(1), k.residual.dim(2)));
    }

    @Override
    public void close() {
      Layout.destroy(x, w, wAny, y, bias, residual);
    }
  }

  /**
   * A descriptor of one direction.
   *
   * @param hint the forward's, for the gradients
   */
  private static MemorySegment describe(
      Key k, Layouts l, MemorySegment hint, MemorySegment attributes) {
    try (Arena a = Arena.ofConfined()) {
      MemorySegment out = a.allocate(ValueLayout.ADDRESS);
      MemorySegment engine = OneDnn.get().engine();
      int direct = Dnnl.dnnl_convolution_direct();
      MemorySegment strides = longs(a, k.window.stride(), k.window.stride());
      MemorySegment dilation = longs(a, 0, 0);
      MemorySegment before = longs(a, k.window.top(), k.window.left());
      MemorySegment behind = longs(a, k.window.bottom(), k.window.right());
      int status =
          switch (k.direction) {
            case FORWARD ->
                Dnnl.dnnl_convolution_forward_primitive_desc_create(
                    out,
                    engine,
                    Dnnl.dnnl_forward_training(),
                    direct,
                    l.x,
                    l.wAny,
                    l.bias,
                    l.y,
                    strides,
                    dilation,
                    before,
                    behind,
                    attributes);
            case INPUT_GRADIENT ->
                Dnnl.dnnl_convolution_backward_data_primitive_desc_create(
                    out,
                    engine,
                    direct,
                    l.x,
                    l.wAny,
                    l.y,
                    strides,
                    dilation,
                    before,
                    behind,
                    hint,
                    attributes);
            case WEIGHT_GRADIENT ->
                Dnnl.dnnl_convolution_backward_weights_primitive_desc_create(
                    out,
                    engine,
                    direct,
                    l.x,
                    l.wAny,
                    l.bias,
                    l.y,
                    strides,
                    dilation,
                    before,
                    behind,
                    hint,
                    attributes);
          };
      OneDnn.check("conv2d " + k, status);
      return out.get(ValueLayout.ADDRESS, 0);
    }
  }

  private static MemorySegment longs(Arena arena, long... values) {
    return arena.allocateFrom(ValueLayout.JAVA_LONG, values);
  }

  private static MemorySegment descriptor(Key k, Layouts l) {
    if (k.direction == Direction.FORWARD) {
      List<Step> steps = new ArrayList<>();
      if (k.residual != null) {
        steps.add(new Combine(Binary.ADD, l.residual));
      }
      if (k.f != null) {
        steps.add(new Apply(k.f));
      }
      MemorySegment attributes = Attributes.of(steps);
      try {
        return describe(k, l, MemorySegment.NULL, attributes);
      } finally {
        Attributes.destroy(attributes);
      }
    }
    MemorySegment attributes = Attributes.plain();
    MemorySegment hint = describe(k.as(Direction.FORWARD), l, MemorySegment.NULL, attributes);
    try {
      return describe(k, l, hint, attributes);
    } finally {
      Dnnl.dnnl_primitive_desc_destroy(hint);
      Attributes.destroy(attributes);
    }
  }

  /** Whether there is code for this type on this CPU, backward and forward. */
  static boolean trains(DType dtype) {
    Shape image = Shape.of(1, 4, 4, 8);
    Shape kernel = Shape.of(8, 3, 3, 8);
    Window window = Window.of(1, 1);
    Key key = new Key(Direction.WEIGHT_GRADIENT, dtype, image, kernel, window, false, null, null);
    try (Layouts layouts = Layouts.of(key)) {
      Dnnl.dnnl_primitive_desc_destroy(descriptor(key, layouts));
      return true;
    } catch (OneDnn.NotImplemented e) {
      return false;
    }
  }

  private static Primitive build(Key k) {
    try (Layouts l = Layouts.of(k)) {
      MemorySegment descriptor = descriptor(k, l);
      List<Port> ports = new ArrayList<>();
      switch (k.direction) {
        case FORWARD -> {
          ports.add(Port.in(Dnnl.DNNL_ARG_SRC_0(), l.x));
          ports.add(Port.weights(Dnnl.DNNL_ARG_WEIGHTS_0(), l.w));
          ports.add(Port.out(Dnnl.DNNL_ARG_DST_0(), l.y));
          if (k.bias) {
            ports.add(Port.in(Dnnl.DNNL_ARG_BIAS(), l.bias));
          }
          if (k.residual != null) {
            ports.add(Port.in(Attributes.argument(0), l.residual));
          }
        }
        case INPUT_GRADIENT -> {
          ports.add(Port.in(Dnnl.DNNL_ARG_DIFF_DST_0(), l.y));
          ports.add(Port.weights(Dnnl.DNNL_ARG_WEIGHTS_0(), l.w));
          ports.add(Port.out(Dnnl.DNNL_ARG_DIFF_SRC_0(), l.x));
        }
        case WEIGHT_GRADIENT -> {
          ports.add(Port.in(Dnnl.DNNL_ARG_SRC_0(), l.x));
          ports.add(Port.in(Dnnl.DNNL_ARG_DIFF_DST_0(), l.y));
          ports.add(Port.out(Dnnl.DNNL_ARG_DIFF_WEIGHTS_0(), l.w));
          if (k.bias) {
            ports.add(Port.out(Dnnl.DNNL_ARG_DIFF_BIAS(), l.bias));
          }
        }
      }
      return new Primitive(descriptor, ports.toArray(Port[]::new));
    }
  }
}
