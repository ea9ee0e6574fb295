package nacre.tensor.cuda;

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
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Setting;
import nacre.tensor.Settings;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.cuda.driver.CudaAllocator;
import nacre.tensor.cuda.driver.CudaException;
import nacre.tensor.spi.Unary;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a GPU makes of a captured step: a graph. */
@Tag("cuda")
class StepGraphTest {
  private static Device gpu() {
    assumeTrue(
        TestDevices.gpu().isPresent(),
        "there is no gpu, and the simulated one is not built: native/sim/build native/target/sim");
    return TestDevices.gpu().get();
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  /** A few operations that take memory of their own, on a tensor of changing numbers. */
  private static Tensor work(Tensor x, Tensor w) {
    try (Scope scope = Scope.open()) {
      Tensor h = linear(x, w, null, Unary.SILU);
      return scope.keep(linear(add(multiply(h, h), h), w, null));
    }
  }

  @Test
  void aGpuIsAskedTwiceAndThenReplays() {
    Device gpu = gpu();
    CudaAllocator memory = (CudaAllocator) gpu.backend().allocator();
    int[] asked = {0};
    try (Scope _ = Scope.open()) {
      Tensor w = Tensor.full(gpu, DType.F32, Shape.of(64, 64), 0.01);
      Tensor x = Tensor.full(gpu, DType.F32, Shape.of(64, 64), 0.5);
      work(x, w).close(); // what the libraries keep for good is no part of the account
      long before = memory.usedBytes();
      try (CapturedStep repeated =
          CapturedStep.of(
              gpu,
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
            gpu.backend().explain().stream().anyMatch(l -> l.matches(".*graph of \\d+ nodes.*")),
            gpu.backend().explain().toString());
      }
      assertEquals(before, memory.usedBytes());
    }
  }

  @Test
  void repeatedWorkInsideIsRefused() {
    Device gpu = gpu();
    try (Scope _ = Scope.open();
        CapturedStep inner = CapturedStep.of(gpu, () -> Tensor.zeros(gpu, DType.F32, Shape.of(3)));
        CapturedStep outer = CapturedStep.of(gpu, inner::run)) {
      String message = assertThrows(CudaException.class, outer::run).getMessage();
      assertTrue(message.contains("run the inner alone"), message);
    }
  }

  @Test
  void withoutGraphsItIsComputedEachTime() {
    gpu();
    Device gpu = Device.of("cuda", Settings.ofProcess().with(Setting.GRAPH, "off"));
    int[] asked = {0};
    try (Scope _ = Scope.open();
        CapturedStep repeated =
            CapturedStep.of(
                gpu,
                () -> {
                  asked[0]++;
                  return Tensor.zeros(gpu, DType.F32, Shape.of(3));
                })) {
      for (int i = 0; i < 3; i++) {
        repeated.run();
      }
      assertEquals(3, asked[0]);
    }
  }

  @Test
  void theHostHasNoPartInIt() {
    Device gpu = gpu();
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.full(gpu, DType.F32, Shape.of(), 1);
      try (CapturedStep reads =
          CapturedStep.of(
              gpu,
              () -> {
                x.item();
                return null;
              })) {
        Exception e = assertThrows(CudaException.class, reads::run);
        assertTrue(e.getMessage().startsWith("download: f32[]@cuda"), e.getMessage());
      }
      try (CapturedStep writes = CapturedStep.of(gpu, () -> Tensor.of(gpu, Shape.of(1), 2))) {
        Exception e = assertThrows(CudaException.class, writes::run);
        assertTrue(e.getMessage().startsWith("upload: f32[1]@cuda"), e.getMessage());
      }
      assertEquals(1, x.item());
    }
  }

  @Test
  void workThatChangesItsShapesIsRefused() {
    Device gpu = gpu();
    try (Scope _ = Scope.open()) {
      List<Tensor> sizes = new ArrayList<>();
      sizes.add(Tensor.full(gpu, DType.F32, Shape.of(1000), 1));
      sizes.add(Tensor.full(gpu, DType.F32, Shape.of(2000), 1));
      try (CapturedStep changing =
          CapturedStep.of(
              gpu,
              () -> {
                Tensor x = sizes.removeFirst();
                return add(add(x, x), x);
              })) {
        changing.run();
        Exception e = assertThrows(CudaException.class, changing::run);
        assertTrue(e.getMessage().contains("not what it was the first time"), e.getMessage());
      }
      Tensor after = Tensor.full(gpu, DType.F32, Shape.of(4), 3);
      assertArrayEquals(new float[] {6, 6, 6, 6}, add(after, after).toFloats());
    }
  }
}
