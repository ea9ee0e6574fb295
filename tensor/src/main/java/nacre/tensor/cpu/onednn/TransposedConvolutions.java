package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.onednn.Dnnl;
import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.backend.Allocator;
import nacre.tensor.cpu.onednn.Primitive.Port;

/** Transposed convolutions of channels-last images to twice their size: stride 2, padding 1. */
final class TransposedConvolutions {
  private record Key(DType dtype, Shape x, Shape w, boolean bias) {}

  private final Allocator allocator;
  private final Primitives<Key> primitives = new Primitives<>(TransposedConvolutions::build);

  TransposedConvolutions(Allocator allocator) {
    this.allocator = allocator;
  }

  /** x [N, H, W, I], w [O, 4, 4, I], bias [O] or null → y [N, 2H, 2W, O]. */
  void forward(Tensor x, Tensor w, Tensor bias, Tensor y) {
    Key key = new Key(x.dtype(), x.shape(), w.shape(), bias != null);
    try (Primitive p = primitives.lend(key)) {
      if (bias == null) {
        p.execute(allocator, w, x.address(), 0, y.address());
      } else {
        p.execute(allocator, w, x.address(), 0, y.address(), bias.address());
      }
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
