package nacre.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Doubles of a file go to the nearest number of the wanted type, and to the even one of two. */
class DoubleRoundingTest {
  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private float[] loaded(DType dtype, double... values) throws IOException {
    int bytes = 8 * values.length;
    byte[] header =
        "{\"x\":{\"dtype\":\"F64\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
            .formatted(values.length, bytes)
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer content = ByteBuffer.wrap(HeaderFile.bytes(header, bytes));
    content.order(ByteOrder.LITTLE_ENDIAN).position(8 + header.length);
    for (double value : values) {
      content.putDouble(value);
    }
    Path file = folder.resolve("doubles.safetensors");
    Files.write(file, content.array());
    try (Scope _ = Scope.open();
        SafeTensors open = SafeTensors.open(file)) {
      return open.entry("x").toTensor(Device.cpu(), dtype, Layout.SAME).toFloats();
    }
  }

  /** Each lies so near a tie of f16 or bf16 that an f32 between would make it one. */
  @Test
  void areNotRoundedTwice() throws IOException {
    double little = 0x1p-40;
    assertArrayEquals(
        new float[] {1 + 0x1p-7f, 1 + 0x1p-7f, -1 - 0x1p-7f},
        loaded(DType.BF16, 1 + 0x1p-8 + little, 1 + 0x3p-8 - little, -1 - 0x3p-8 + little));
    assertArrayEquals(
        new float[] {1 + 0x1p-10f, 1 + 0x1p-10f, 65504, -65504, Float.POSITIVE_INFINITY},
        loaded(
            DType.F16,
            1 + 0x1p-11 + little,
            1 + 0x3p-11 - little,
            65520 - 0x1p-30,
            -65520 + 0x1p-30,
            65520));
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void extremes(DType dtype) throws IOException {
    float infinity = Float.POSITIVE_INFINITY;
    assertArrayEquals(
        new float[] {infinity, -infinity, infinity, -infinity, Float.NaN, 0, -0f, -0f},
        loaded(dtype, 1e300, -1e300, infinity, -infinity, Double.NaN, 1e-300, -1e-300, -0.0));
  }

  /** Random doubles, most of them at or beside the middle between two numbers of the type. */
  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void areRoundedToNearestEven(DType dtype) throws IOException {
    Random random = new Random(5);
    double[] values = new double[20_000];
    for (int i = 0; i < values.length; i++) {
      float low = truncated(dtype, (float) (random.nextGaussian() * Math.scalb(1, i % 39 - 25)));
      double middle = (low + (double) next(dtype, low)) / 2;
      double off = middle * Math.scalb(random.nextInt(3) - 1, -20 - random.nextInt(32));
      values[i] = i % 5 == 4 ? random.nextGaussian() : middle + off;
    }
    float[] loaded = loaded(dtype, values);
    for (int i = 0; i < values.length; i++) {
      assertEquals(nearest(dtype, values[i]), loaded[i], values[i] + " " + dtype);
    }
  }

  /** By comparing exact distances. */
  private static float nearest(DType dtype, double value) {
    float low = truncated(dtype, towardZero(value));
    float high = next(dtype, low);
    BigDecimal exact = new BigDecimal(value);
    BigDecimal toLow = exact.subtract(new BigDecimal(low)).abs();
    BigDecimal toHigh = new BigDecimal(high).subtract(exact).abs();
    int order = toLow.compareTo(toHigh);
    assertTrue(Math.abs(low) <= Math.abs(value) && Math.abs(value) <= Math.abs(high));
    return order < 0 || order == 0 && isEven(dtype, low) ? low : high;
  }

  private static float towardZero(double value) {
    float nearest = (float) value;
    boolean beyond = Math.abs((double) nearest) > Math.abs(value);
    return beyond ? Float.intBitsToFloat(Float.floatToRawIntBits(nearest) - 1) : nearest;
  }

  /** The number of the type next to a float, toward zero. */
  private static float truncated(DType dtype, float value) {
    return switch (dtype) {
      case F32 -> value;
      case BF16 -> Float.intBitsToFloat(Float.floatToRawIntBits(value) & 0xffff0000);
      default -> {
        short half = Float.floatToFloat16(value);
        boolean beyond = Math.abs(Float.float16ToFloat(half)) > Math.abs(value);
        yield Float.float16ToFloat((short) (half - (beyond ? 1 : 0)));
      }
    };
  }

  /** The next number of the type away from zero. */
  private static float next(DType dtype, float value) {
    return switch (dtype) {
      case F32 -> Float.intBitsToFloat(Float.floatToRawIntBits(value) + 1);
      case BF16 -> Float.intBitsToFloat(Float.floatToRawIntBits(value) + 0x10000);
      default -> Float.float16ToFloat((short) (Float.floatToFloat16(value) + 1));
    };
  }

  private static boolean isEven(DType dtype, float value) {
    return switch (dtype) {
      case F32 -> (Float.floatToRawIntBits(value) & 1) == 0;
      case BF16 -> (Float.floatToRawIntBits(value) & 0x10000) == 0;
      default -> (Float.floatToFloat16(value) & 1) == 0;
    };
  }
}
