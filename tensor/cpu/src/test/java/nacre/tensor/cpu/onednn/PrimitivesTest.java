package nacre.tensor.cpu.onednn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import nacre.bindings.onednn.Dnnl;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.HostAllocator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How long built primitives are kept. */
@Tag("cpu")
class PrimitivesTest {
  private final List<Integer> built = new ArrayList<>();
  private final Allocator allocator = new HostAllocator();

  /** Softmax of {@code columns} columns. */
  private Primitive softmax(int columns) {
    built.add(columns);
    MemorySegment layout = Layout.dense(DType.F32, 1, columns);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      OneDnn.check(
          "softmax",
          Dnnl.dnnl_softmax_forward_primitive_desc_create(
              out,
              OneDnn.get().engine(),
              Dnnl.dnnl_forward_inference(),
              Dnnl.dnnl_softmax_accurate(),
              layout,
              layout,
              1,
              MemorySegment.NULL));
      return new Primitive(
          out.get(ValueLayout.ADDRESS, 0),
          Primitive.Port.in(Dnnl.DNNL_ARG_SRC_0(), layout),
          Primitive.Port.out(Dnnl.DNNL_ARG_DST_0(), layout));
    } finally {
      Layout.destroy(layout);
    }
  }

  private void runs(Primitive primitive, int columns) {
    long block = allocator.allocate(4L * columns);
    MemorySegment row = memory(block, 4L * columns).fill((byte) 0);
    primitive.execute(allocator, block, block);
    assertEquals(1f / columns, row.get(ValueLayout.JAVA_FLOAT, 0), 1e-6f);
    allocator.free(block, 4L * columns);
  }

  @SuppressWarnings("restricted")
  private static MemorySegment memory(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  @Test
  void theLongestUnusedGoesAndWhoUsesItMayFinish() {
    assumeTrue(Device.cpu().backend().describe().contains("oneDNN 3"));
    Primitives<Integer> primitives = new Primitives<>(this::softmax, _ -> true, 2);
    try (Primitive three = primitives.lend(3)) {
      primitives.lend(4).close();
      try (Primitive again = primitives.lend(3)) {
        assertSame(three, again);
      }
      primitives.lend(5).close(); // 4 goes
      assertEquals(2, primitives.size());
      primitives.lend(3).close();
      assertEquals(List.of(3, 4, 5), built);
      primitives.lend(6).close(); // 5 goes
      primitives.lend(7).close(); // 3 goes, which is in use
      runs(three, 3);
      try (Primitive other = primitives.lend(3)) {
        assertNotSame(three, other);
        runs(other, 3);
      }
    }
    assertEquals(List.of(3, 4, 5, 6, 7, 3), built);
  }
}
