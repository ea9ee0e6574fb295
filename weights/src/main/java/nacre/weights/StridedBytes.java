package nacre.weights;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import nacre.tensor.Shape;
import nacre.weights.PickleValue.Strided;

/**
 * The bytes of a tensor of PyTorch that may lie in its storage in any order, transposed or repeated
 * for instance, and big-endian: they are put in order when asked for, as many as are asked for.
 */
final class StridedBytes implements StoredBytes {
  private final MemorySegment storage;
  private final int width;
  private final boolean bigEndian;
  private final long offset;
  private final int[] sizes;
  private final long[] strides;

  private StridedBytes(MemorySegment storage, Strided tensor, boolean bigEndian) {
    this.storage = storage;
    this.width = tensor.type().bytes();
    this.bigEndian = bigEndian;
    this.offset = tensor.offset();
    // A scalar is a vector of one.
    boolean scalar = tensor.sizes().length == 0;
    this.sizes = scalar ? new int[] {1} : tensor.sizes();
    this.strides = scalar ? new long[] {1} : tensor.strides();
  }

  /**
   * The bytes of a tensor, as they lie in the file where that is the wanted order.
   *
   * @param storage the bytes of its storage
   * @param tensor which lies within
   */
  static StoredBytes of(MemorySegment storage, Strided tensor, boolean bigEndian) {
    long elements = Shape.of(tensor.sizes()).elements();
    int width = tensor.type().bytes();
    if (elements == 0) {
      return StoredBytes.of(storage.asSlice(0, 0), tensor.type());
    }
    if (isDense(tensor) && (!bigEndian || width == 1)) {
      MemorySegment bytes = storage.asSlice(tensor.offset() * width, elements * width);
      return StoredBytes.of(bytes, tensor.type());
    }
    return new StridedBytes(storage, tensor, bigEndian);
  }

  private static boolean isDense(Strided tensor) {
    long step = 1;
    for (int axis = tensor.sizes().length - 1; axis >= 0; axis--) {
      int size = tensor.sizes()[axis];
      if (size > 1 && tensor.strides()[axis] != step) {
        return false;
      }
      step *= size;
    }
    return true;
  }

  @Override
  public MemorySegment elements(long from, long count) {
    MemorySegment ordered = Arena.ofAuto().allocate(Math.multiplyExact(count, width), 8);
    int last = sizes.length - 1;
    int[] index = new int[sizes.length];
    long place = offset;
    long rest = from;
    for (int axis = last; axis >= 0; axis--) {
      index[axis] = (int) (rest % sizes[axis]);
      rest /= sizes[axis];
      place += index[axis] * strides[axis];
    }
    for (long done = 0; done < count; ) {
      long run = Math.min(sizes[last] - index[last], count - done);
      copy(place, strides[last], ordered, done, run);
      done += run;
      index[last] += (int) run;
      place += run * strides[last];
      for (int axis = last; axis > 0 && index[axis] == sizes[axis]; axis--) {
        index[axis] = 0;
        place += strides[axis - 1] - sizes[axis] * strides[axis];
        index[axis - 1]++;
      }
    }
    return ordered;
  }

  /** Copies elements that lie {@code step} apart. */
  private void copy(long place, long step, MemorySegment to, long at, long count) {
    ByteOrder order = bigEndian ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    switch (width) {
      case 1 -> {
        for (long i = 0; i < count; i++) {
          byte element = storage.get(ValueLayout.JAVA_BYTE, place + i * step);
          to.set(ValueLayout.JAVA_BYTE, at + i, element);
        }
      }
      case 2 -> {
        var layout = ValueLayout.JAVA_SHORT_UNALIGNED;
        for (long i = 0; i < count; i++) {
          short element = storage.getAtIndex(layout.withOrder(order), place + i * step);
          to.setAtIndex(layout.withOrder(ByteOrder.LITTLE_ENDIAN), at + i, element);
        }
      }
      case 4 -> {
        var layout = ValueLayout.JAVA_INT_UNALIGNED;
        for (long i = 0; i < count; i++) {
          int element = storage.getAtIndex(layout.withOrder(order), place + i * step);
          to.setAtIndex(layout.withOrder(ByteOrder.LITTLE_ENDIAN), at + i, element);
        }
      }
      default -> {
        var layout = ValueLayout.JAVA_LONG_UNALIGNED;
        for (long i = 0; i < count; i++) {
          long element = storage.getAtIndex(layout.withOrder(order), place + i * step);
          to.setAtIndex(layout.withOrder(ByteOrder.LITTLE_ENDIAN), at + i, element);
        }
      }
    }
  }
}
