package nacre.tensor.cpu.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.onednn.Dnnl;
import nacre.tensor.DType;

/**
 * Memory descriptors. Primitives copy them, so that a set is {@linkplain #destroy destroyed} when
 * its primitive is built.
 */
final class Layout {
  private Layout() {}

  /** Frees descriptors, {@code NULL} among them. */
  static void destroy(MemorySegment... layouts) {
    for (MemorySegment layout : layouts) {
      if (layout.address() != 0) {
        Dnnl.dnnl_memory_desc_destroy(layout);
      }
    }
  }

  /** Axes in oneDNN's logical order with the strides, in elements, that they have in memory. */
  static MemorySegment strided(DType dtype, long[] dims, long[] strides) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      OneDnn.check(
          "memory descriptor",
          Dnnl.dnnl_memory_desc_create_with_strides(
              out,
              dims.length,
              arena.allocateFrom(ValueLayout.JAVA_LONG, dims),
              OneDnn.type(dtype),
              arena.allocateFrom(ValueLayout.JAVA_LONG, strides)));
      return out.get(ValueLayout.ADDRESS, 0);
    }
  }

  /** Dense, row-major. */
  static MemorySegment dense(DType dtype, long... dims) {
    long[] strides = new long[dims.length];
    long step = 1;
    for (int i = dims.length - 1; i >= 0; i--) {
      strides[i] = step;
      step *= dims[i];
    }
    return strided(dtype, dims, strides);
  }

  /** An image [N, H, W, C] in memory, as oneDNN's logical N, C, H, W; weights O, H, W, I alike. */
  static MemorySegment channelsLast(DType dtype, long n, long c, long h, long w) {
    return strided(dtype, new long[] {n, c, h, w}, new long[] {h * w * c, 1, w * c, c});
  }

  /** A layout that the primitive chooses. */
  static MemorySegment any(DType dtype, long... dims) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      OneDnn.check(
          "memory descriptor",
          Dnnl.dnnl_memory_desc_create_with_tag(
              out,
              dims.length,
              arena.allocateFrom(ValueLayout.JAVA_LONG, dims),
              OneDnn.type(dtype),
              Dnnl.dnnl_format_tag_any()));
      return out.get(ValueLayout.ADDRESS, 0);
    }
  }
}
