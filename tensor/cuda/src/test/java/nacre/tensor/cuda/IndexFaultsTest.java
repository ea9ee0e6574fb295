package nacre.tensor.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.ops.Cast;
import nacre.tensor.ops.CrossEntropy;
import nacre.tensor.ops.Gather;
import nacre.tensor.spi.Readback;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** An index out of range is an error of whoever reads next, and no end of the GPU. */
@Tag("cuda")
class IndexFaultsTest {
  private static final float[] ROWS = {1, 2, 3, 4, 5, 6};

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

  private static Tensor table(Device device, DType dtype) {
    return Cast.cast(Tensor.of(device, Shape.of(3, 2), ROWS), dtype);
  }

  private static Tensor indices(Device device, DType dtype, int... values) {
    Tensor indices = Tensor.empty(device, dtype, Shape.of(values.length));
    write(indices, values);
    return indices;
  }

  private static void write(Tensor indices, int... values) {
    Tensor ints = Tensor.ofInts(indices.device(), indices.shape(), values);
    indices.backend().cast(ints, indices);
  }

  private static void assertRefused(String wanted, Executable read) {
    String message = assertThrows(IndexOutOfBoundsException.class, read).getMessage();
    assertTrue(message.startsWith(wanted + "; found by cuda"), message);
    assertEquals(1, message.lines().count(), message);
  }

  @Test
  void namesOperationIndexAndRangeAndTheGpuGoesOn() {
    Device gpu = gpu();
    for (DType dtype : List.of(DType.I32, DType.I64)) {
      for (DType of : List.of(DType.F32, DType.BF16)) {
        try (Scope _ = Scope.open()) {
          Tensor table = table(gpu, of);
          Tensor good = indices(gpu, dtype, 2, 0);
          Tensor bad = Gather.gather(table, indices(gpu, dtype, 1, 0, 7, 2));
          assertRefused("gather: index 7 at position 2, the table has 3 rows", bad::toFloats);
          // It is said once, and everything else is as it was.
          assertArrayEquals(new float[] {3, 4, 1, 2, 0, 0, 5, 6}, bad.toFloats());
          assertArrayEquals(new float[] {5, 6, 1, 2}, Gather.gather(table, good).toFloats());
          assertArrayEquals(ROWS, table.toFloats());
        }
      }
    }
  }

  @Test
  void numbersThatAreReadLaterComeWithIt() {
    Device gpu = gpu();
    try (Scope _ = Scope.open()) {
      Tensor table = table(gpu, DType.F32);
      Readback before = gpu.backend().readLater(table);
      Tensor bad = Gather.gather(table, indices(gpu, DType.I32, 1, 4));
      Readback after = gpu.backend().readLater(bad);
      bad.backend().fill(bad, 9);
      assertArrayEquals(ROWS, before.floats(), "asked for before it");
      assertRefused("gather: index 4 at position 1, the table has 3 rows", after::floats);
      assertArrayEquals(new float[] {3, 4, 0, 0}, after.floats());
      assertArrayEquals(new float[] {9, 9, 9, 9}, bad.toFloats(), "it is said once");
    }
  }

  @Test
  void negativeIndicesAreOutOfRange() {
    Device gpu = gpu();
    try (Scope _ = Scope.open()) {
      Tensor wide = Tensor.full(gpu, DType.F32, Shape.of(5, 64), 1); // rows of whole packs
      Tensor bad = Gather.gather(wide, indices(gpu, DType.I64, -1));
      assertRefused("gather: index -1 at position 0, the table has 5 rows", bad::toFloats);
      assertArrayEquals(new float[64], bad.toFloats());
    }
  }

  @Test
  void gradientsRefuseTheSame() {
    Device gpu = gpu();
    try (Scope _ = Scope.open()) {
      Tensor dy = Tensor.full(gpu, DType.F32, Shape.of(3, 2), 1);
      Tensor dtable = Tensor.empty(gpu, DType.F32, Shape.of(2, 2));
      gpu.backend().gatherBackward(indices(gpu, DType.I32, 1, 2, 1), dy, dtable);
      assertRefused("gather: index 2 at position 1, the table has 2 rows", dtable::toFloats);
      assertArrayEquals(new float[] {0, 0, 2, 2}, dtable.toFloats());
    }
  }

  @Test
  void classesOutOfRangeAreRefusedInBothDirections() {
    Device gpu = gpu();
    try (Scope _ = Scope.open()) {
      Tensor logits = Tensor.of(gpu, Shape.of(3, 2), 1, 2, 3, 4, 5, 6);
      Tensor targets = indices(gpu, DType.I64, 0, 1, 2);
      Tensor loss = CrossEntropy.crossEntropy(logits, targets);
      String wanted = "crossEntropy: target 2 at position 2, of 2 classes";
      assertRefused(wanted, loss::item);
      Tensor dx = logits.like();
      gpu.backend().crossEntropyBackward(logits, targets, Tensor.of(gpu, Shape.of(), 1), dx);
      assertRefused(wanted, dx::toFloats);
      Tensor right = indices(gpu, DType.I64, 0, 1, 1);
      double each = Math.log1p(Math.exp(-1));
      assertEquals(each + 1.0 / 3, CrossEntropy.crossEntropy(logits, right).item(), 1e-6);
    }
  }

  /** The first operation in the order of the stream counts. */
  @Test
  void theFirstOfSeveralIsNamed() {
    Device gpu = gpu();
    try (Scope _ = Scope.open()) {
      Tensor table = table(gpu, DType.F32);
      Tensor first = Gather.gather(table, indices(gpu, DType.I32, 9));
      Tensor logits = Tensor.of(gpu, Shape.of(1, 2), 1, 2);
      CrossEntropy.crossEntropy(logits, indices(gpu, DType.I32, 5));
      assertRefused("gather: index 9 at position 0, the table has 3 rows", first::toFloats);
      assertArrayEquals(ROWS, table.toFloats());
    }
  }

  /** Eager, captured and replayed; a run with right indices between them is right. */
  @Test
  void aCapturedStepTellsAsWell() {
    Device gpu = gpu();
    try (Scope _ = Scope.open()) {
      Tensor table = table(gpu, DType.F32);
      Tensor indices = indices(gpu, DType.I32, 0, 1);
      try (CapturedStep step = CapturedStep.of(gpu, () -> Gather.gather(table, indices))) {
        for (int run = 0; run < 4; run++) {
          write(indices, 1, 3 + run);
          Tensor bad = step.run();
          assertRefused(
              "gather: index " + (3 + run) + " at position 1, the table has 3 rows", bad::toFloats);
          write(indices, 2, 1);
          assertArrayEquals(new float[] {5, 6, 3, 4}, step.run().toFloats());
        }
      }
    }
  }
}
