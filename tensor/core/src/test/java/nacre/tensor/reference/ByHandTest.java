package nacre.tensor.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Reduction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the plain backend does with small integers, worked out by hand. */
class ByHandTest {
  private static final Device DEVICE = Device.reference();
  private static final Backend BACKEND = DEVICE.backend();
  private static final float INFINITY = Float.POSITIVE_INFINITY;
  private Scope scope;

  @BeforeEach
  void open() {
    Memory.poisonNewTensors(true);
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
    Memory.poisonNewTensors(false);
    assertEquals(0, Memory.liveTensors());
  }

  private static Tensor of(int[] dims, float... values) {
    return Tensor.of(DEVICE, Shape.of(dims), values);
  }

  private static Tensor empty(int... dims) {
    return Tensor.empty(DEVICE, DType.F32, Shape.of(dims));
  }

  private static int[] dims(int... dims) {
    return dims;
  }

  private static void assertElements(Tensor actual, float... expected) {
    assertArrayEquals(expected, actual.toFloats());
  }

  private static Tensor cast(Tensor x, DType dtype) {
    Tensor y = Tensor.empty(DEVICE, dtype, x.shape());
    BACKEND.cast(x, y);
    return y;
  }

  @Test
  void castsRoundToNearestEven() {
    Tensor x = of(dims(6), 0.5f, 1.5f, -2.5f, 300, -7, Float.NaN);
    assertElements(cast(x, DType.I32), 0, 2, -2, 300, -7, 0);
    assertElements(cast(x, DType.I64), 0, 2, -2, 300, -7, 0);
    assertElements(cast(x, DType.U8), 0, 2, 0, 255, 0, 0);
    float ulp = 0x1p-7f; // the distance of bf16 numbers from 1 to 2
    Tensor fine =
        of(dims(6), 1 + ulp / 2, 1 + 3 * ulp / 2, 1 + ulp / 2 + 1e-6f, 3.4e38f, INFINITY, -1e-40f);
    assertElements(cast(fine, DType.BF16), 1, 1 + 2 * ulp, 1 + ulp, INFINITY, INFINITY, -0x1p-133f);
    assertTrue(Float.isNaN(cast(of(dims(), Float.NaN), DType.BF16).item()));
    Tensor half = of(dims(4), 65519, 65520, 0x1p-24f, 0x1p-25f);
    assertElements(cast(half, DType.F16), 65504, INFINITY, 0x1p-24f, 0);
  }

  @Test
  void integersKeepTheirLowBits() {
    Tensor x = Tensor.ofInts(DEVICE, Shape.of(2), Integer.MAX_VALUE, Integer.MIN_VALUE + 1);
    Tensor back = cast(cast(x, DType.I64), DType.I32);
    assertEquals(Integer.MAX_VALUE, back.segment().get(ValueLayout.JAVA_INT, 0));
    assertEquals(Integer.MIN_VALUE + 1, back.segment().get(ValueLayout.JAVA_INT, 4));
  }

  @Test
  void operandsBroadcast() {
    Tensor a = of(dims(2, 1), 10, 20);
    Tensor b = of(dims(3), 1, 2, 4);
    Tensor y = empty(2, 3);
    BACKEND.binary(Binary.ADD, a, b, y);
    assertElements(y, 11, 12, 14, 21, 22, 24);
    BACKEND.binary(Binary.SUBTRACT, b, a, y);
    assertElements(y, -9, -8, -6, -19, -18, -16);
    BACKEND.binary(Binary.MULTIPLY, a, b, y);
    assertElements(y, 10, 20, 40, 20, 40, 80);
    BACKEND.binary(Binary.DIVIDE, a, b, y);
    assertElements(y, 10, 5, 2.5f, 20, 10, 5);
    BACKEND.affine(b, 3, -1, b);
    assertElements(b, 2, 5, 11);
    BACKEND.mix(b, 2, b, 1, b);
    assertElements(b, 6, 15, 33);
  }

  @Test
  void axesAreReduced() {
    Tensor x = of(dims(2, 3), 1, 2, 3, 4, 5, 9);
    Tensor rows = empty(2, 1);
    BACKEND.reduce(Reduction.SUM, x, rows);
    assertElements(rows, 6, 18);
    BACKEND.reduce(Reduction.MEAN, x, rows);
    assertElements(rows, 2, 6);
    Tensor columns = empty(3);
    BACKEND.reduce(Reduction.SUM, x, columns);
    assertElements(columns, 5, 7, 12);
    Tensor all = empty();
    BACKEND.reduce(Reduction.MEAN, x, all);
    assertElements(all, 4);
    BACKEND.sumOfSquares(List.of(rows, columns), all);
    assertElements(all, 4 + 36 + 25 + 49 + 144);
  }

  @Test
  void boxesAndAxesMove() {
    Tensor x = of(dims(2, 3), 1, 2, 3, 4, 5, 6);
    Tensor part = empty(2, 2);
    BACKEND.slice(x, dims(0, 1), part);
    assertElements(part, 2, 3, 5, 6);
    BACKEND.place(of(dims(1, 2), 8, 9), dims(1, 0), x);
    assertElements(x, 1, 2, 3, 8, 9, 6);
    Tensor turned = empty(3, 2);
    BACKEND.permute(x, dims(1, 0), turned);
    assertElements(turned, 1, 8, 2, 9, 3, 6);
    Tensor cube = of(dims(1, 2, 3), 1, 2, 3, 4, 5, 6);
    Tensor y = empty(3, 1, 2);
    BACKEND.permute(cube, dims(2, 0, 1), y);
    assertElements(y, 1, 4, 2, 5, 3, 6);
  }

  @Test
  void rowsAreGatheredAndScattered() {
    Tensor table = of(dims(3, 2), 1, 2, 3, 4, 5, 6);
    Tensor rows = Tensor.ofInts(DEVICE, Shape.of(3), 2, 0, 2);
    Tensor y = empty(3, 2);
    BACKEND.gather(table, rows, y);
    assertElements(y, 5, 6, 1, 2, 5, 6);
    Tensor dtable = empty(3, 2);
    BACKEND.gatherBackward(rows, of(dims(3, 2), 1, 2, 3, 4, 5, 6), dtable);
    assertElements(dtable, 3, 4, 0, 0, 6, 8);
    Tensor outside = Tensor.ofInts(DEVICE, Shape.of(1), 3);
    assertThrows(
        IndexOutOfBoundsException.class, () -> BACKEND.gather(table, outside, empty(1, 2)));
  }

  @Test
  void pixelsBecomeBlocksAndBlocksPixels() {
    Tensor small = of(dims(1, 1, 2, 2), 1, 2, 3, 4);
    Tensor large = empty(1, 2, 4, 2);
    BACKEND.upsampleNearest(small, 2, large);
    assertElements(large, 1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4);
    Tensor ramp = of(dims(1, 2, 4, 2), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    BACKEND.averagePool(ramp, 2, small);
    assertElements(small, 5, 6, 9, 10);
    BACKEND.upsampleNearestBackward(ramp, 2, small);
    assertElements(small, 20, 24, 36, 40);
    BACKEND.averagePoolBackward(small, 2, large);
    assertElements(large, 5, 6, 5, 6, 9, 10, 9, 10, 5, 6, 5, 6, 9, 10, 9, 10);
  }

  @Test
  void averagesMove() {
    Tensor y = of(dims(2), 1, 2);
    BACKEND.lerp(List.of(y), List.of(of(dims(2), 5, -2)), of(dims(), 0.25f));
    assertElements(y, 2, 1);
    BACKEND.fill(y, 0.5);
    assertElements(y, 0.5f, 0.5f);
  }
}
