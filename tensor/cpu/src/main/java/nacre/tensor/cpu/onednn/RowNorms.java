package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.onednn.Dnnl;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.Worth;
import nacre.tensor.cpu.onednn.Primitive.Port;
import nacre.tensor.spi.Allocator;

/** Layer normalization of the rows of matrices, with f32 statistics and parameters. */
final class RowNorms {
  private enum Kind {
    LAYER_NORM,
    LAYER_NORM_BACKWARD
  }

  private record Key(Kind kind, DType dtype, long rows, int columns, float eps) {
    boolean worth() {
      return Worth.functions(rows * columns);
    }
  }

  private final Allocator allocator;
  private final Primitives<Key> primitives = new Primitives<>(RowNorms::build, Key::worth);

  /** Buffers of reorders come from {@code allocator}. */
  RowNorms(Allocator allocator) {
    this.allocator = allocator;
  }

  void layerNorm(
      Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor variance) {
    Key key = new Key(Kind.LAYER_NORM, x.dtype(), mean.elements(), x.dim(-1), (float) eps);
    run(
        key,
        x.address(),
        gamma.address(),
        beta.address(),
        y.address(),
        mean.address(),
        variance.address());
  }

  void layerNormBackward(
      Tensor x,
      Tensor gamma,
      Tensor mean,
      Tensor variance,
      double eps,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    Key key = new Key(Kind.LAYER_NORM_BACKWARD, x.dtype(), mean.elements(), x.dim(-1), (float) eps);
    run(
        key,
        x.address(),
        gamma.address(),
        mean.address(),
        variance.address(),
        dy.address(),
        dx.address(),
        dgamma.address(),
        dbeta.address());
  }

  private void run(Key key, long... addresses) {
    try (Primitive p = primitives.lend(key)) {
      p.execute(allocator, addresses);
    }
  }

  private static Primitive build(Key k) {
    return switch (k.kind) {
      case LAYER_NORM -> buildLayerNorm(k);
      case LAYER_NORM_BACKWARD -> buildLayerNormBackward(k);
    };
  }

  private static int scaleAndShift() {
    return Dnnl.dnnl_use_scale() | Dnnl.dnnl_use_shift();
  }

  private static MemorySegment layerNormDescriptor(
      Key k, MemorySegment layout, MemorySegment statistics, Arena arena) {
    MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
    OneDnn.check(
        "layer normalization",
        Dnnl.dnnl_layer_normalization_forward_primitive_desc_create(
            out,
            OneDnn.get().engine(),
            Dnnl.dnnl_forward_training(),
            layout,
            layout,
            statistics,
            k.eps,
            scaleAndShift(),
            MemorySegment.NULL));
    return out.get(ValueLayout.ADDRESS, 0);
  }

  private static Primitive buildLayerNorm(Key k) {
    MemorySegment layout = Layout.dense(k.dtype, k.rows, k.columns);
    MemorySegment statistics = Layout.dense(DType.F32, k.rows);
    MemorySegment vector = Layout.dense(DType.F32, k.columns);
    try (Arena arena = Arena.ofConfined()) {
      return new Primitive(
          layerNormDescriptor(k, layout, statistics, arena),
          Port.in(Dnnl.DNNL_ARG_SRC_0(), layout),
          Port.in(Dnnl.DNNL_ARG_SCALE(), vector),
          Port.in(Dnnl.DNNL_ARG_SHIFT(), vector),
          Port.out(Dnnl.DNNL_ARG_DST_0(), layout),
          Port.out(Dnnl.DNNL_ARG_MEAN(), statistics),
          Port.out(Dnnl.DNNL_ARG_VARIANCE(), statistics));
    } finally {
      Layout.destroy(layout, statistics, vector);
    }
  }

  private static Primitive buildLayerNormBackward(Key k) {
    MemorySegment layout = Layout.dense(k.dtype, k.rows, k.columns);
    MemorySegment statistics = Layout.dense(DType.F32, k.rows);
    MemorySegment vector = Layout.dense(DType.F32, k.columns);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment hint = layerNormDescriptor(k, layout, statistics, arena);
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      OneDnn.check(
          "layer normalization backward",
          Dnnl.dnnl_layer_normalization_backward_primitive_desc_create(
              out,
              OneDnn.get().engine(),
              Dnnl.dnnl_backward(),
              layout,
              layout,
              layout,
              statistics,
              k.eps,
              scaleAndShift(),
              hint,
              MemorySegment.NULL));
      Dnnl.dnnl_primitive_desc_destroy(hint);
      return new Primitive(
          out.get(ValueLayout.ADDRESS, 0),
          Port.in(Dnnl.DNNL_ARG_SRC_0(), layout),
          Port.in(Dnnl.DNNL_ARG_SCALE(), vector),
          Port.in(Dnnl.DNNL_ARG_MEAN(), statistics),
          Port.in(Dnnl.DNNL_ARG_VARIANCE(), statistics),
          Port.in(Dnnl.DNNL_ARG_DIFF_DST_0(), layout),
          Port.out(Dnnl.DNNL_ARG_DIFF_SRC_0(), layout),
          Port.out(Dnnl.DNNL_ARG_DIFF_SCALE(), vector),
          Port.out(Dnnl.DNNL_ARG_DIFF_SHIFT(), vector));
    } finally {
      Layout.destroy(layout, statistics, vector);
    }
  }
}
