package nacre.tensor.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Locale;

/**
 * The arguments of the launch under way, laid out one after the other as C would lay out a
 * structure of them, and checked one by one against what the kernel says it takes. There is one of
 * these a GPU, used by whoever has entered it.
 */
public final class Arguments {
  private static final long LONGEST = 32_764; // the driver's own limit since CUDA 12.1

  /** One parameter of a kernel: where it lies among the others, and how long it is. */
  record Parameter(long at, long bytes) {}

  private final MemorySegment buffer = Arena.global().allocate(LONGEST, 16);
  private final MemorySegment length = Arena.global().allocate(ValueLayout.JAVA_LONG);
  private final MemorySegment extra = Arena.global().allocate(ValueLayout.ADDRESS, 5);
  private String kernel;
  private List<Parameter> parameters;
  private long size;
  private int count;

  Arguments() {
    // CU_LAUNCH_PARAM_BUFFER_POINTER, CU_LAUNCH_PARAM_BUFFER_SIZE and CU_LAUNCH_PARAM_END, which
    // the header defines as casts, so that they cannot be bound.
    extra.setAtIndex(ValueLayout.ADDRESS, 0, MemorySegment.ofAddress(1));
    extra.setAtIndex(ValueLayout.ADDRESS, 1, buffer);
    extra.setAtIndex(ValueLayout.ADDRESS, 2, MemorySegment.ofAddress(2));
    extra.setAtIndex(ValueLayout.ADDRESS, 3, length);
    extra.setAtIndex(ValueLayout.ADDRESS, 4, MemorySegment.NULL);
  }

  void begin(String name, List<Parameter> wanted) {
    kernel = name;
    parameters = wanted;
    size = 0;
    count = 0;
  }

  /** What the driver is given, when all arguments are there. */
  MemorySegment end() {
    if (count != parameters.size()) {
      throw new IllegalStateException(
          String.format(
              Locale.ROOT,
              "cuda: kernel %s takes %d arguments, not %d",
              kernel,
              parameters.size(),
              count));
    }
    length.set(ValueLayout.JAVA_LONG, 0, size);
    return extra;
  }

  private long take(long bytes, long alignment) {
    long at = (size + alignment - 1) & -alignment;
    if (count >= parameters.size()
        || parameters.get(count).at != at
        || parameters.get(count).bytes != bytes) {
      throw new IllegalStateException(
          String.format(
              Locale.ROOT,
              "cuda: kernel %s: argument %d, of %d bytes at %d, does not fit its parameters %s",
              kernel,
              count,
              bytes,
              at,
              parameters));
    }
    count++;
    size = at + bytes;
    return at;
  }

  /** An address on the GPU; 0 is null. */
  public Arguments address(long address) {
    return i64(address);
  }

  public Arguments i64(long value) {
    buffer.set(ValueLayout.JAVA_LONG, take(8, 8), value);
    return this;
  }

  public Arguments i32(int value) {
    buffer.set(ValueLayout.JAVA_INT, take(4, 4), value);
    return this;
  }

  public Arguments flag(boolean value) {
    return i32(value ? 1 : 0);
  }

  public Arguments f32(double value) {
    buffer.set(ValueLayout.JAVA_FLOAT, take(4, 4), (float) value);
    return this;
  }

  public Arguments f64(double value) {
    buffer.set(ValueLayout.JAVA_DOUBLE, take(8, 8), value);
    return this;
  }

  /** A structure of {@code int}s. */
  public Arguments ints(int... values) {
    long at = take(4L * values.length, 4);
    MemorySegment.copy(values, 0, buffer, ValueLayout.JAVA_INT, at, values.length);
    return this;
  }

  /** A structure whose members need an alignment of 8. */
  public Arguments struct(MemorySegment value) {
    long at = take(value.byteSize(), 8);
    MemorySegment.copy(value, 0, buffer, at, value.byteSize());
    return this;
  }
}
