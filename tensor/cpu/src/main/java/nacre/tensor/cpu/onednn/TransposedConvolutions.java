package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import nacre.bindings.onednn.Dnnl;
import nacre.tensor.DType;
import nacre.tensor.Packed;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.MatrixEngine.KernelEnlarger;
import nacre.tensor.cpu.engine.Worth;
import nacre.tensor.cpu.onednn.Primitive.Port;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.Packing;

/** Transposed convolutions of channels-last images to twice their size: stride 2, padding 1. */
final class TransposedConvolutions {
  private record Key(DType dtype, Shape x, Shape w, boolean bias) {
    boolean worth() {
      return Worth.products(x.elements() * w.elements() / w.dim(3));
    }
  }

  private final Allocator allocator;
  private final Primitives<Key> primitives =
      new Primitives<>(TransposedConvolutions::build, Key::worth);
  private final Map<Kernel, Packing> packings = new ConcurrentHashMap<>();

  TransposedConvolutions(Allocator allocator) {
    this.allocator = allocator;
  }

  /** As {@link nacre.tensor.cpu.engine.MatrixEngine#transposedConv2d}. */
  void forward(Tensor x, Tensor w, KernelEnlarger enlarger, Tensor bias, Tensor y) {
    Shape four = Shape.of(w.dim(0), 4, 4, w.dim(3));
    Key key = new Key(x.dtype(), x.shape(), four, bias != null);
    long[] addresses = new long[bias == null ? 3 : 4];
    addresses[0] = x.address();
    addresses[2] = y.address();
    if (bias != null) {
      addresses[3] = bias.address();
    }
    try (Primitive p = primitives.lend(key);
        Packed packed = w.packed(packing(p.packing(), x.dtype(), four, enlarger))) {
      if (packed != null && p.packing() != null) {
        p.execute(allocator, packed, addresses);
      } else if (packed != null) {
        addresses[1] = packed.address();
        p.execute(allocator, addresses);
      } else {
        long bytes = four.elements() * x.dtype().bytes();
        long larger = allocator.allocate(bytes);
        try {
          enlarger.enlarge(w.address(), larger, x.dtype(), w.dim(0), w.dim(3));
          addresses[1] = larger;
          p.execute(allocator, addresses);
        } finally {
          allocator.free(larger, bytes);
        }
      }
    }
  }

  private Packing packing(Packing inner, DType dtype, Shape four, KernelEnlarger enlarger) {
    return packings.computeIfAbsent(
        new Kernel(inner, dtype, four), k -> new Enlarged(k, enlarger, allocator));
  }

  /**
   * A larger kernel.
   *
   * @param inner how the primitive wants it; null for as it is
   */
  private record Kernel(Packing inner, DType dtype, Shape four) {
    long plainBytes() {
      return four.elements() * dtype.bytes();
    }
  }

  /** Makes the larger kernel and lays it out as the primitive wants it. */
  private record Enlarged(Kernel kernel, KernelEnlarger enlarger, Allocator allocator)
      implements Packing {
    @Override
    public long bytes() {
      return kernel.inner == null ? kernel.plainBytes() : kernel.inner.bytes();
    }

    @Override
    public void pack(long plain, long packed) {
      if (kernel.inner == null) {
        enlarge(plain, packed);
        return;
      }
      long larger = allocator.allocate(kernel.plainBytes());
      try {
        enlarge(plain, larger);
        kernel.inner.pack(larger, packed);
      } finally {
        allocator.free(larger, kernel.plainBytes());
      }
    }

    private void enlarge(long three, long four) {
      enlarger.enlarge(three, four, kernel.dtype, kernel.four.dim(0), kernel.four.dim(3));
    }

    @Override
    public boolean reversible() {
      return false;
    }

    @Override
    public void unpack(long packed, long plain) {
      throw new UnsupportedOperationException("the elements were added up");
    }
  }

  private static Primitive build(Key k) {
    int n = k.x.dim(0);
    int h = k.x.dim(1);
    int w = k.x.dim(2);
    int in = k.x.dim(3);
    int out = k.w.dim(0);
    MemorySegment x = Layout.channelsLast(k.dtype, n, in, h, w);
    MemorySegment weights = Layout.channelsLast(k.dtype, out, in, k.w.dim(1), k.w.dim(2));
    MemorySegment y = Layout.channelsLast(k.dtype, n, out, 2L * h, 2L * w);
    MemorySegment any = Layout.any(k.dtype, out, in, k.w.dim(1), k.w.dim(2));
    MemorySegment bias = k.bias ? Layout.dense(k.dtype, out) : MemorySegment.NULL;
    MemorySegment attributes = Attributes.plain();
    try (Arena a = Arena.ofConfined()) {
      MemorySegment descriptor = a.allocate(ValueLayout.ADDRESS);
      MemorySegment ones = a.allocateFrom(ValueLayout.JAVA_LONG, 1, 1);
      MemorySegment zeros = a.allocateFrom(ValueLayout.JAVA_LONG, 0, 0);
      OneDnn.check(
          "transposed conv2d " + k,
          Dnnl.dnnl_deconvolution_forward_primitive_desc_create(
              descriptor,
              OneDnn.get().engine(),
              Dnnl.dnnl_forward_inference(),
              Dnnl.dnnl_deconvolution_direct(),
              x,
              any,
              bias,
              y,
              a.allocateFrom(ValueLayout.JAVA_LONG, 2, 2),
              zeros,
              ones,
              ones,
              attributes));
      Port[] ports = new Port[k.bias ? 4 : 3];
      ports[0] = Port.in(Dnnl.DNNL_ARG_SRC_0(), x);
      ports[1] = Port.weights(Dnnl.DNNL_ARG_WEIGHTS_0(), weights);
      ports[2] = Port.out(Dnnl.DNNL_ARG_DST_0(), y);
      if (k.bias) {
        ports[3] = Port.in(Dnnl.DNNL_ARG_BIAS(), bias);
      }
      return new Primitive(descriptor.get(ValueLayout.ADDRESS, 0), ports);
    } finally {
      Attributes.destroy(attributes);
      Layout.destroy(x, weights, any, y, bias);
    }
  }
}
