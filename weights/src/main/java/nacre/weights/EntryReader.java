package nacre.weights;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * The loader of a stored tensor to a device: its bytes are uploaded as they are, then converted and
 * permuted there.
 */
final class EntryReader {
  private static final ValueLayout.OfDouble F64 =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort I16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Reads one element. */
  @FunctionalInterface
  private interface Decoder {
    float at(long index);
  }

  private EntryReader() {}

  /** Whether tensors of this stored type can be read. */
  static boolean converts(StoredType type) {
    return switch (type) {
      case F8_E4M3, F8_E5M2, F64, I16, I8, U16 -> true;
      default -> type.same().isPresent();
    };
  }

  static void copy(SafeTensors.Entry entry, Tensor tensor, Layout layout) throws WeightsException {
    Optional<DType> same = entry.type().same();
    if (same.isPresent() && same.get() == tensor.dtype() && layout == Layout.SAME) {
      tensor.backend().upload(entry.data(), tensor);
      return;
    }
    try (Scope _ = Scope.open()) {
      Tensor stored = stored(entry, tensor);
      if (layout == Layout.SAME) {
        tensor.backend().cast(stored, tensor);
        return;
      }
      if (stored.dtype() != tensor.dtype()) {
        Tensor wide = Tensor.empty(tensor.device(), tensor.dtype(), stored.shape());
        tensor.backend().cast(stored, wide);
        stored = wide;
      }
      layout.intoMemory(stored, tensor);
    }
  }

  /** The content in the stored layout, and in the stored type if the engine has it. */
  private static Tensor stored(SafeTensors.Entry entry, Tensor like) throws WeightsException {
    Optional<DType> same = entry.type().same();
    if (same.isPresent()) {
      Tensor tensor = Tensor.empty(like.device(), same.get(), entry.shape());
      tensor.backend().upload(entry.data(), tensor);
      return tensor;
    }
    return switch (entry.type()) {
      case F64 -> fromDoubles(entry, like);
      case F8_E4M3 -> fromFloat8(entry, like, Float8.E4M3);
      case F8_E5M2 -> fromFloat8(entry, like, Float8.E5M2);
      case I16, I8, U16 -> fromSmallIntegers(entry, like);
      default ->
          throw new WeightsException(
              entry.file(),
              "tensor "
                  + OneLine.clip(entry.name())
                  + ": dtype "
                  + entry.type()
                  + " cannot be converted");
    };
  }

  /** To f32, such that a further cast rounds as it would round the doubles. */
  private static Tensor fromDoubles(SafeTensors.Entry entry, Tensor like) {
    boolean narrower = like.dtype() == DType.BF16 || like.dtype() == DType.F16;
    MemorySegment data = entry.data();
    return fromFloats(
        entry,
        like,
        narrower
            ? i -> roundedToOdd(data.getAtIndex(F64, i))
            : i -> (float) data.getAtIndex(F64, i));
  }

  /**
   * The nearest float of those with an odd last bit, unless the value is a float itself: rounding
   * that to fewer bits gives what rounding the double would, which rounding twice to nearest does
   * not.
   *
   * @see <a href="https://doi.org/10.1109/TC.2007.70819">Boldo and Melquiond, Emulation of FMA and
   *     correctly rounded sums: proved algorithms using rounding to odd</a>
   */
  static float roundedToOdd(double value) {
    float nearest = (float) value;
    if (nearest == value || Double.isNaN(value) || (Float.floatToRawIntBits(nearest) & 1) == 1) {
      return nearest;
    }
    return nearest < value ? Math.nextUp(nearest) : Math.nextDown(nearest);
  }

  private static Tensor fromFloat8(SafeTensors.Entry entry, Tensor like, Float8 format) {
    MemorySegment data = entry.data();
    return fromFloats(entry, like, i -> format.value(data.get(ValueLayout.JAVA_BYTE, i)));
  }

  private static Tensor fromFloats(SafeTensors.Entry entry, Tensor like, Decoder decoder) {
    Tensor tensor = Tensor.empty(like.device(), DType.F32, entry.shape());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment staging = arena.allocate(ValueLayout.JAVA_FLOAT, tensor.elements());
      for (long i = 0; i < tensor.elements(); i++) {
        staging.setAtIndex(ValueLayout.JAVA_FLOAT, i, decoder.at(i));
      }
      tensor.backend().upload(staging, tensor);
    }
    return tensor;
  }

  private static Tensor fromSmallIntegers(SafeTensors.Entry entry, Tensor like) {
    Tensor tensor = Tensor.empty(like.device(), DType.I32, entry.shape());
    MemorySegment data = entry.data();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment staging = arena.allocate(ValueLayout.JAVA_INT, tensor.elements());
      for (long i = 0; i < tensor.elements(); i++) {
        int value =
            switch (entry.type()) {
              case I8 -> data.get(ValueLayout.JAVA_BYTE, i);
              case U16 -> data.getAtIndex(I16, i) & 0xffff;
              default -> data.getAtIndex(I16, i);
            };
        staging.setAtIndex(ValueLayout.JAVA_INT, i, value);
      }
      tensor.backend().upload(staging, tensor);
    }
    return tensor;
  }
}
