package nacre.tensor;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Linear.linear;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import nacre.tensor.backend.Unary;
import nacre.tensor.cuda.driver.CudaAllocator;
import nacre.tensor.cuda.driver.CudaException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Work that is repeated, on every device; what a card makes of it, on the simulated one. */
@Tag("cuda")
class RepeatedTest {
  static List<Device> devices() {
    return Stream.concat(Stream.of(Device.cpu(), Device.reference()), TestDevices.card().stream())
        .toList();
  }

  private static Device card() {
    assumeTrue(
        TestDevices.card().isPresent(),
        "there is no card, and the simulated one is not built: native/sim/build native/target/sim");
    return TestDevices.card().get();
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  /** A few operations that take memory of their own, on a tensor of changing numbers. */
  private static Tensor work(Tensor x, Tensor w) {
    try (Scope scope = Scope.open()) {
      Tensor h = linear(x, w, null, Unary.SILU);
      return scope.hand(linear(add(multiply(h, h), h), w, null));
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void givesTheSameBitsAsWorkThatIsNot(Device device) {
    try (Scope _ = Scope.open()) {
      Tensor w = Tensor.empty(device, DType.F32, Shape.of(16, 16));
      device.backend().normal(1, 0, w);
      Tensor x = w.like(Shape.of(5, 16));
      try (Repeated repeated = Repeated.of(device, () -> work(x, w))) {
        for (int i = 0; i < 5; i++) {
          device.backend().normal(2, i, x);
          float[] wanted = work(x, w).toFloats();
          long live = Memory.liveTensors();
          assertArrayEquals(wanted, repeated.run().toFloats());
          assertEquals(i == 0 ? live + 1 : live, Memory.liveTensors());
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void whatIsWrittenInPlaceStays(Device device) {
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.of(device, Shape.of(2), 1, -1);
      try (Repeated doubling =
          Repeated.of(
              device,
              () -> {
                device.backend().affine(x, 2, 0, x);
                return null;
              })) {
        for (int i = 0; i < 5; i++) {
          doubling.run();
        }
      }
      assertArrayEquals(new float[] {32, -32}, x.toFloats());
    }
  }

  @Test
  void aCardIsAskedTwiceAndThenReplays() {
    Device card = card();
    CudaAllocator memory = (CudaAllocator) card.backend().allocator();
    int[] asked = {0};
    try (Scope _ = Scope.open()) {
      Tensor w = Tensor.full(card, DType.F32, Shape.of(64, 64), 0.01);
      Tensor x = Tensor.full(card, DType.F32, Shape.of(64, 64), 0.5);
      work(x, w).close(); // what the libraries keep for good is no part of the account
      long before = memory.usedBytes();
      try (Repeated repeated =
          Repeated.of(
              card,
              () -> {
                asked[0]++;
                return work(x, w);
              })) {
        repeated.run();
        long eager = memory.usedBytes() - before;
        repeated.run();
        long held = memory.usedBytes() - before;
        for (int i = 0; i < 3; i++) {
          repeated.run();
          assertEquals(held, memory.usedBytes() - before);
        }
        assertEquals(2, asked[0]);
        assertTrue(eager < held, "the graph keeps what the work takes: " + eager + ", " + held);
        assertTrue(
            card.backend().explain().stream().anyMatch(l -> l.matches(".*graph of \\d+ nodes.*")),
            card.backend().explain().toString());
      }
      assertEquals(before, memory.usedBytes());
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void aResultThatIsKeptOutlivesIt(Device device) {
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.of(device, Shape.of(2), 3, 4);
      Tensor kept;
      try (Repeated repeated = Repeated.of(device, () -> multiply(x, x))) {
        repeated.run();
        repeated.run();
        kept = repeated.run().detach();
      }
      Tensor other = Tensor.full(device, DType.F32, Shape.of(2), 7);
      assertArrayEquals(new float[] {9, 16}, kept.toFloats());
      assertArrayEquals(new float[] {7, 7}, other.toFloats());
    }
  }

  @Test
  void repeatedWorkInsideIsRefused() {
    Device card = card();
    try (Scope _ = Scope.open();
        Repeated inner = Repeated.of(card, () -> Tensor.zeros(card, DType.F32, Shape.of(3)));
        Repeated outer = Repeated.of(card, inner::run)) {
      String message = assertThrows(CudaException.class, outer::run).getMessage();
      assertTrue(message.contains("run the inner alone"), message);
    }
  }

  @Test
  void withoutGraphsItIsComputedEachTime() {
    Device card = card();
    int[] asked = {0};
    System.setProperty("nacre.graph", "false");
    try (Scope _ = Scope.open();
        Repeated repeated =
            Repeated.of(
                card,
                () -> {
                  asked[0]++;
                  return Tensor.zeros(card, DType.F32, Shape.of(3));
                })) {
      for (int i = 0; i < 3; i++) {
        repeated.run();
      }
      assertEquals(3, asked[0]);
    } finally {
      System.clearProperty("nacre.graph");
    }
  }

  @Test
  void theHostHasNoPartInIt() {
    Device card = card();
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.full(card, DType.F32, Shape.of(), 1);
      try (Repeated reads =
          Repeated.of(
              card,
              () -> {
                x.item();
                return null;
              })) {
        Exception e = assertThrows(CudaException.class, reads::run);
        assertTrue(e.getMessage().startsWith("download: f32[]@cuda"), e.getMessage());
      }
      try (Repeated writes = Repeated.of(card, () -> Tensor.of(card, Shape.of(1), 2))) {
        Exception e = assertThrows(CudaException.class, writes::run);
        assertTrue(e.getMessage().startsWith("upload: f32[1]@cuda"), e.getMessage());
      }
      assertEquals(1, x.item());
    }
  }

  @Test
  void workThatChangesItsShapesIsRefused() {
    Device card = card();
    try (Scope _ = Scope.open()) {
      List<Tensor> sizes = new ArrayList<>();
      sizes.add(Tensor.full(card, DType.F32, Shape.of(1000), 1));
      sizes.add(Tensor.full(card, DType.F32, Shape.of(2000), 1));
      try (Repeated changing =
          Repeated.of(
              card,
              () -> {
                Tensor x = sizes.removeFirst();
                return add(add(x, x), x);
              })) {
        changing.run();
        Exception e = assertThrows(CudaException.class, changing::run);
        assertTrue(e.getMessage().contains("not what it was the first time"), e.getMessage());
      }
      Tensor after = Tensor.full(card, DType.F32, Shape.of(4), 3);
      assertArrayEquals(new float[] {6, 6, 6, 6}, add(after, after).toFloats());
    }
  }
}
