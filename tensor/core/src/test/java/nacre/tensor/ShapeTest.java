package nacre.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import nacre.tensor.ops.Reshape;
import org.junit.jupiter.api.Test;

class ShapeTest {
  private static final int GIGA = 1 << 30;

  private static String refused(int... dims) {
    return assertThrows(IllegalArgumentException.class, () -> Shape.of(dims)).getMessage();
  }

  @Test
  void moreElementsThanAnyMemoryHoldsAreRefused() {
    assertEquals(
        "shape: [1073741824, 1073741824, 1024] has 2^60 elements or more, no memory holds them",
        refused(GIGA, GIGA, 1 << 10));
    assertTrue(refused(GIGA, GIGA).contains("2^60"));
    assertTrue(refused(GIGA, GIGA, GIGA, GIGA, GIGA).contains("2^60"));
    assertEquals((1L << 60) - (1L << 30), Shape.of(GIGA - 1, GIGA).elements());
    assertEquals("shape: negative extent in [2, -1]", refused(2, -1));
  }

  /** Parts of a shape are multiplied too, and an extent of 0 is no part of all of them. */
  @Test
  void anEmptyShapeHidesNoOverflow() {
    assertTrue(refused(0, GIGA, GIGA, GIGA).contains("2^60"));
    assertTrue(refused(GIGA, GIGA, 0).contains("2^60"));
    assertEquals(0, Shape.of(0, GIGA, 1 << 20).elements());
    assertEquals(1L << 50, Shape.of(0, GIGA, 1 << 20).elements(1, 3));
    assertThrows(IllegalArgumentException.class, () -> Shape.of(GIGA, 2).with(1, GIGA));
    assertThrows(
        IllegalArgumentException.class,
        () -> Shape.broadcast("add", Shape.of(GIGA, 1, 1), Shape.of(GIGA, GIGA)));
  }

  @Test
  void axesThatAreTooLongTogetherAreNamed() {
    assertEquals(6, Shape.of(2, 3, 5).folded("linear", 0, 2));
    assertEquals(
        "linear: axes 0 to 1 of [65536, 65536, 2] make 4294967296, and an axis has fewer than 2^31",
        assertThrows(
                IllegalArgumentException.class,
                () -> Shape.of(65536, 65536, 2).folded("linear", 0, 2))
            .getMessage());
  }

  /** 2^32 · 2^32 is 0 in 64 bits: as many elements as an empty tensor has. */
  @Test
  void reshapeDoesNotMultiplyPast64Bits() {
    try (Scope _ = Scope.open()) {
      Tensor empty = Tensor.zeros(Device.reference(), DType.F32, Shape.of(0));
      Tensor two = Tensor.zeros(Device.reference(), DType.F32, Shape.of(2));
      int[] wide = {1 << 16, 1 << 16, 1 << 16, 1 << 16};
      assertTrue(reshapeRefused(empty, wide).contains("does not fit [65536, 65536"));
      assertTrue(reshapeRefused(two, 1 << 30, 1 << 30, 16, 2, -1).contains("does not fit"));
      assertEquals(Shape.of(0, 3), Reshape.reshape(empty, -1, 3).shape());
    }
  }

  private static String reshapeRefused(Tensor x, int... dims) {
    return assertThrows(IllegalArgumentException.class, () -> Reshape.reshape(x, dims))
        .getMessage();
  }

  /** What no device has is refused by the device, not wrapped into a small number. */
  @Test
  void moreBytesThanThereAreAreRefused() {
    try (Scope _ = Scope.open()) {
      Shape shape = Shape.of(GIGA - 1, GIGA);
      Throwable e =
          assertThrows(Throwable.class, () -> Tensor.empty(Device.reference(), DType.F32, shape));
      assertTrue(e.getMessage().contains("bytes"), e.toString());
      assertEquals(0, Memory.liveTensors());
    }
  }
}
