package nacre.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The first elements of a tensor as {@link Tensor#toString} prints them. */
final class FirstValues {
  private static final int SHOWN = 6;

  private FirstValues() {}

  /** As {@code [0.5, -1.25, 3, …]}, a space before; nothing where they cannot be read now. */
  static String of(Tensor tensor) {
    int count = (int) Math.min(SHOWN, tensor.elements());
    Tensor first = tensor.first(count);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment values = arena.allocate(first.bytes(), 8);
      if (count > 0) {
        tensor.backend().download(first, values);
      }
      String more = tensor.elements() > count ? ", …" : "";
      return IntStream.range(0, count)
          .mapToObj(i -> element(tensor.dtype(), values, i))
          .collect(Collectors.joining(", ", " [", more + "]"));
    } catch (RuntimeException refused) {
      return "";
    } finally {
      first.release();
    }
  }

  private static String element(DType dtype, MemorySegment values, long i) {
    return switch (dtype) {
      case F32 -> number(values.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i));
      case F16 -> number(Float.float16ToFloat(half(values, i)));
      case BF16 -> number(Float.intBitsToFloat(half(values, i) << 16));
      case I32 -> Integer.toString(values.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i));
      case I64 -> Long.toString(values.getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, i));
      case U8 -> Integer.toString(Byte.toUnsignedInt(values.get(ValueLayout.JAVA_BYTE, i)));
    };
  }

  private static short half(MemorySegment values, long i) {
    return values.getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, i);
  }

  /** The shortest text that reads back as the number, whole numbers without a fraction. */
  private static String number(float value) {
    String text = Float.toString(value);
    return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
  }
}
