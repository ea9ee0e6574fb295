package nacre.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.util.concurrent.CompletableFuture;
import nacre.tensor.spi.Backend;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("backend")
class TensorTest {
  private static final Device DEVICE = Device.reference();
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    Memory.poisonNewTensors(false);
    scope.close();
    assertEquals(0, Memory.liveTensors());
    assertEquals(0, Memory.liveBytes());
  }

  @Test
  void rowsShareMemory() {
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.of(Device.host(), Shape.of(3, 2), 1, 2, 3, 4, 5, 6);
      Tensor last = x.rows(1, 3);
      assertEquals(Shape.of(2, 2), last.shape());
      assertArrayEquals(new float[] {3, 4, 5, 6}, last.toFloats());
      last.rows(1, 2).copyFrom(new float[] {7, 8});
      last.view(Shape.of(4)).rows(0, 1).copyFrom(new float[] {9});
      assertArrayEquals(new float[] {1, 2, 9, 4, 7, 8}, x.toFloats());
      assertEquals(Shape.of(0, 2), x.rows(3, 3).shape());
      assertThrows(IllegalArgumentException.class, () -> x.rows(1, 4));
      assertThrows(IllegalArgumentException.class, () -> x.rows(2, 1));
    }
  }

  @Test
  void viewsShareMemoryAndKeepItAlive() {
    Tensor x = Tensor.of(DEVICE, Shape.of(2, 3), 1, 2, 3, 4, 5, 6);
    Tensor flat = x.view(Shape.of(6));
    assertEquals(x.address(), flat.address());
    assertEquals(1, Memory.liveTensors());
    flat.copyFrom(new float[] {6, 5, 4, 3, 2, 1});
    assertArrayEquals(new float[] {6, 5, 4, 3, 2, 1}, x.toFloats());
    x.close();
    assertEquals(1, Memory.liveTensors());
    assertEquals(4, flat.get(2));
    flat.close();
    assertEquals(0, Memory.liveTensors());
  }

  @Test
  void aViewOfAnotherCountIsRefused() {
    Tensor x = Tensor.zeros(DEVICE, DType.BF16, Shape.of(2, 3));
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> x.view(Shape.of(5)));
    assertTrue(e.getMessage().contains("bf16[2, 3]@reference"), e.getMessage());
  }

  @Test
  void useAfterTheScopeClosedIsNamed() {
    Tensor x;
    try (Scope _ = Scope.open()) {
      x = Tensor.zeros(DEVICE, DType.F32, Shape.of(2, 3));
    }
    for (Runnable use :
        new Runnable[] {x::address, x::toFloats, x::detach, () -> x.get(0), () -> x.to(DEVICE)}) {
      IllegalStateException e = assertThrows(IllegalStateException.class, use::run);
      assertTrue(
          e.getMessage().contains("f32[2, 3]@reference was used after its scope closed"),
          e.getMessage());
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void valuesComeBackInEveryType(DType dtype) {
    float[] values = {0, 1, 2, 100, 255};
    Tensor x = Tensor.empty(DEVICE, dtype, Shape.of(5)).copyFrom(values);
    assertArrayEquals(values, x.toFloats());
    assertEquals(5L * dtype.bytes(), x.bytes());
    assertEquals(1, Memory.liveTensors(), "staging was kept");
    Tensor there = x.to(Device.host());
    assertEquals(Device.host(), there.device());
    assertEquals(dtype, there.dtype());
    assertArrayEquals(values, there.toFloats());
    assertNotEquals(x.address(), there.address());
    Tensor seven = Tensor.full(DEVICE, dtype, Shape.of(), 7);
    assertEquals(7, seven.item());
  }

  @Test
  void poisonShowsWhatWasNotWritten() {
    Memory.poisonNewTensors(true);
    assertTrue(Float.isNaN(Tensor.empty(DEVICE, DType.F32, Shape.of()).item()));
    assertTrue(Float.isNaN(Tensor.empty(DEVICE, DType.BF16, Shape.of()).item()));
    assertTrue(Float.isNaN(Tensor.empty(DEVICE, DType.F16, Shape.of()).item()));
    assertEquals(-1, Tensor.empty(DEVICE, DType.I32, Shape.of()).item());
    assertEquals(0, Tensor.zeros(DEVICE, DType.F32, Shape.of()).item());
  }

  @Test
  void thePeakIsRemembered() {
    Memory.resetPeak();
    try (Scope _ = Scope.open()) {
      Tensor.zeros(DEVICE, DType.F32, Shape.of(100));
      Tensor.zeros(DEVICE, DType.F32, Shape.of(50)).close();
      Tensor.zeros(DEVICE, DType.F32, Shape.of(25));
    }
    assertEquals(600, Memory.peakBytes());
    Memory.resetPeak();
    assertEquals(0, Memory.peakBytes());
  }

  @Test
  void misuseIsNamed() {
    Tensor x = Tensor.ofInts(DEVICE, Shape.of(2), 3, 4);
    assertThrows(IllegalStateException.class, x::track);
    assertThrows(IllegalStateException.class, () -> x.get(0));
    assertThrows(IllegalArgumentException.class, x::item);
    assertThrows(IllegalArgumentException.class, () -> x.copyFrom(new float[3]));
    assertThrows(IllegalArgumentException.class, () -> Tensor.of(DEVICE, Shape.of(2), 1, 2, 3));
    assertThrows(IllegalArgumentException.class, () -> Device.of("abacus"));
  }

  @Test
  void detachingEndsTracking() {
    Tensor x = Tensor.zeros(DEVICE, DType.F32, Shape.of(2)).track();
    assertTrue(x.tracked());
    assertFalse(x.detach().tracked());
    assertEquals(x.address(), x.detach().address());
  }

  @Test
  void manyThreadsMayViewOneTensor() {
    Tensor x = Tensor.zeros(DEVICE, DType.F32, Shape.of(8));
    CompletableFuture<?>[] threads = new CompletableFuture<?>[4];
    for (int t = 0; t < threads.length; t++) {
      threads[t] =
          CompletableFuture.runAsync(
              () -> {
                for (int i = 0; i < 20_000; i++) {
                  try (Scope _ = Scope.open()) {
                    x.view(Shape.of(2, 4));
                  }
                }
              });
    }
    CompletableFuture.allOf(threads).join();
    assertTrue(x.unshared());
    assertEquals(0, x.get(7));
  }

  @Test
  void shapesKnowTheirAxes() {
    Shape s = Shape.of(2, 3, 4);
    assertEquals(4, s.dim(-1));
    assertEquals(2, s.dim(-3));
    assertThrows(IndexOutOfBoundsException.class, () -> s.dim(3));
    assertThrows(IndexOutOfBoundsException.class, () -> s.dim(-4));
    assertEquals(12, s.elements(1, 3));
    assertEquals(Shape.of(2, 9, 4), s.with(1, 9));
    assertEquals("[2, 3, 4]", s.toString());
    assertEquals(1, Shape.of().elements());
    assertThrows(IllegalArgumentException.class, () -> Shape.of(2, -1));
    assertThrows(IllegalArgumentException.class, () -> Shape.of(1 << 30, 1 << 30, 1 << 30));
    assertEquals(Shape.of(5, 2, 3), Shape.broadcast("add", Shape.of(2, 1), Shape.of(5, 1, 3)));
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> Shape.broadcast("add", Shape.of(2, 3), Shape.of(2, 4)));
    assertTrue(e.getMessage().startsWith("add: shapes [2, 3] and [2, 4]"), e.getMessage());
  }

  @Test
  void textsShowTheFirstValues() {
    Tensor x = Tensor.of(DEVICE, Shape.of(2, 4), 0.5f, -1.25f, 3, 1e-8f, 1 / 3f, 0, 7, 8);
    assertEquals("f32[2, 4]@reference [0.5, -1.25, 3, 1.0E-8, 0.33333334, 0, …]", x.toString());
    assertEquals("f32[2, 4]@reference", x.describe());
    assertEquals("f32[1, 4]@reference [0.33333334, 0, 7, 8]", x.rows(1, 2).toString());
    assertEquals("f32[]@reference [2]", Tensor.of(DEVICE, Shape.of(), 2).toString());
    assertEquals("f32[0, 3]@reference []", Tensor.of(DEVICE, Shape.of(0, 3)).toString());
    assertEquals(
        "f32[2]@reference [NaN, -Infinity]",
        Tensor.of(DEVICE, Shape.of(2), Float.NaN, Float.NEGATIVE_INFINITY).toString());
    assertEquals(4, Memory.liveTensors(), "a text keeps no memory");
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void textsShowEveryType(DType dtype) {
    Tensor x = Tensor.empty(DEVICE, dtype, Shape.of(3)).copyFrom(new float[] {0, 2, 200});
    assertEquals(dtype + "[3]@reference [0, 2, 200]", x.toString());
    if (dtype.isFloating()) {
      x.copyFrom(new float[] {-0.5f, -2, 0.25f});
      assertEquals(dtype + "[3]@reference [-0.5, -2, 0.25]", x.toString());
    }
  }

  @Test
  void textsNeedNothing() {
    Tensor x = Tensor.of(DEVICE, Shape.of(2), 1, 2);
    assertEquals(
        "f32[2]@reference [1, 2]", CompletableFuture.supplyAsync(x::toString).join(), "no scope");
    x.prepack();
    assertEquals("f32[2]@reference", x.toString());
    assertTrue(x.prepacked(), "a text is no reason to unpack");
    x.close();
    assertEquals("f32[2]@reference", x.toString());
  }

  /** As a GPU refuses in a step that it captures, with a message that names the tensor. */
  @Test
  void textsOfWhatCannotBeReadAreShort() {
    Backend refusing =
        (Backend)
            Proxy.newProxyInstance(
                Backend.class.getClassLoader(),
                new Class<?>[] {Backend.class},
                (_, method, arguments) -> {
                  if (method.getName().equals("download")) {
                    throw new IllegalStateException("download: " + arguments[0] + " is captured");
                  }
                  return method.invoke(DEVICE.backend(), arguments);
                });
    Tensor x = Tensor.zeros(TestDevices.over("busy", refusing), DType.F32, Shape.of(2));
    assertEquals("f32[2]@busy", x.toString());
    assertEquals(1, Memory.liveTensors());
  }
}
