package nacre.tensor.cuda.cudnn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import nacre.bindings.cudnn.Cudnn;

/**
 * A node of cuDNN's graphs: attributes are set, then it is finalized, and then it does not change.
 */
final class Descriptor implements AutoCloseable {
  private final MemorySegment handle;
  private final String name;
  private final StringBuilder told; // null of those that are not asked

  private Descriptor(String name, MemorySegment handle, StringBuilder told) {
    this.name = name;
    this.handle = handle;
    this.told = told;
  }

  /** A descriptor without attributes yet. */
  static Descriptor create(String name, int type) throws CudnnException {
    return new Descriptor(name, created(name, type), null);
  }

  /** As {@link #create}, of a node that knows what it was {@link #told}. */
  static Descriptor part(String name, int type) throws CudnnException {
    return new Descriptor(name, created(name, type), new StringBuilder().append(type).append('('));
  }

  private static MemorySegment created(String name, int type) throws CudnnException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      CudnnException.check(Cudnn.cudnnBackendCreateDescriptor(type, out), name);
      return out.get(ValueLayout.ADDRESS, 0);
    }
  }

  MemorySegment handle() {
    return handle;
  }

  /** All attributes that were set, those of its parts too, and of no addresses. */
  String told() {
    return told.toString() + ')';
  }

  /** A plan's whole self, which {@link #text(int, byte[])} gives to one of another process. */
  byte[] text(int attribute) throws CudnnException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(ValueLayout.JAVA_LONG);
      int type = Cudnn.CUDNN_TYPE_CHAR();
      CudnnException.next(
          Cudnn.cudnnBackendGetAttribute(handle, attribute, type, 0, count, MemorySegment.NULL),
          name);
      long length = count.get(ValueLayout.JAVA_LONG, 0);
      MemorySegment characters = arena.allocate(Math.max(1, length));
      CudnnException.next(
          Cudnn.cudnnBackendGetAttribute(handle, attribute, type, length, count, characters), name);
      return characters.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  Descriptor text(int attribute, byte[] characters) throws CudnnException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment values = arena.allocateFrom(ValueLayout.JAVA_BYTE, characters);
      return set(attribute, Cudnn.CUDNN_TYPE_CHAR(), characters.length, values);
    }
  }

  /** Says that all attributes are set. */
  Descriptor finish() throws CudnnException {
    CudnnException.check(Cudnn.cudnnBackendFinalize(handle), name);
    return this;
  }

  /**
   * As {@link #finish}, for heuristics and plans: whatever cuDNN fails with there, it may do better
   * with the next engine.
   */
  Descriptor finishIfItCan() throws CudnnException {
    CudnnException.next(Cudnn.cudnnBackendFinalize(handle), name);
    return this;
  }

  Descriptor longs(int attribute, long... values) throws CudnnException {
    try (Arena arena = Arena.ofConfined()) {
      return set(
          attribute,
          Cudnn.CUDNN_TYPE_INT64(),
          values.length,
          arena.allocateFrom(ValueLayout.JAVA_LONG, values));
    }
  }

  /** An enumeration's value, or another that is an int in C. */
  Descriptor code(int attribute, int type, int value) throws CudnnException {
    try (Arena arena = Arena.ofConfined()) {
      return set(attribute, type, 1, arena.allocateFrom(ValueLayout.JAVA_INT, value));
    }
  }

  Descriptor flag(int attribute, boolean value) throws CudnnException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment one = arena.allocateFrom(ValueLayout.JAVA_BYTE, (byte) (value ? 1 : 0));
      return set(attribute, Cudnn.CUDNN_TYPE_BOOLEAN(), 1, one);
    }
  }

  Descriptor number(int attribute, float value) throws CudnnException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment one = arena.allocateFrom(ValueLayout.JAVA_FLOAT, value);
      return set(attribute, Cudnn.CUDNN_TYPE_FLOAT(), 1, one);
    }
  }

  Descriptor text(int attribute, String value) throws CudnnException {
    return text(attribute, value.getBytes(StandardCharsets.UTF_8));
  }

  Descriptor library(int attribute, MemorySegment cudnn) throws CudnnException {
    return pointers(attribute, Cudnn.CUDNN_TYPE_HANDLE(), List.of(cudnn));
  }

  Descriptor nodes(int attribute, Descriptor... values) throws CudnnException {
    List<MemorySegment> handles = new ArrayList<>();
    for (Descriptor value : values) {
      handles.add(value.handle);
      if (told != null) {
        told.append(attribute).append('=').append(value.told()).append(' ');
      }
    }
    return pointers(attribute, Cudnn.CUDNN_TYPE_BACKEND_DESCRIPTOR(), handles);
  }

  Descriptor pointers(int attribute, int type, List<MemorySegment> values) throws CudnnException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment array = arena.allocate(ValueLayout.ADDRESS, Math.max(1, values.size()));
      for (int i = 0; i < values.size(); i++) {
        array.setAtIndex(ValueLayout.ADDRESS, i, values.get(i));
      }
      return set(attribute, type, values.size(), array);
    }
  }

  private Descriptor set(int attribute, int type, long count, MemorySegment values)
      throws CudnnException {
    CudnnException.check(
        Cudnn.cudnnBackendSetAttribute(handle, attribute, type, count, values), name);
    boolean address =
        type == Cudnn.CUDNN_TYPE_HANDLE() || type == Cudnn.CUDNN_TYPE_BACKEND_DESCRIPTOR();
    if (told != null && !address) {
      byte[] bytes = values.toArray(ValueLayout.JAVA_BYTE);
      told.append(attribute).append('=').append(HexFormat.of().formatHex(bytes)).append(' ');
    }
    return this;
  }

  /** An attribute that is one 64-bit number. */
  long number(int attribute) throws CudnnException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment value = arena.allocate(ValueLayout.JAVA_LONG);
      CudnnException.check(
          Cudnn.cudnnBackendGetAttribute(
              handle, attribute, Cudnn.CUDNN_TYPE_INT64(), 1, count, value),
          name);
      return value.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  /** An attribute that is a list of values of an enumeration. */
  List<Integer> codes(int attribute, int type) throws CudnnException {
    final int most = 64;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment values = arena.allocate(ValueLayout.JAVA_INT, most);
      CudnnException.check(
          Cudnn.cudnnBackendGetAttribute(handle, attribute, type, most, count, values), name);
      List<Integer> codes = new ArrayList<>();
      for (long i = 0; i < Math.min(most, count.get(ValueLayout.JAVA_LONG, 0)); i++) {
        codes.add(values.getAtIndex(ValueLayout.JAVA_INT, i));
      }
      return codes;
    }
  }

  /** An attribute that is a descriptor, which becomes the caller's. */
  Descriptor node(int attribute, String element, int elementType) throws CudnnException {
    List<Descriptor> all = nodes(attribute, element, elementType, 1);
    if (all.isEmpty()) {
      throw new CudnnException(name + " has no " + element);
    }
    return all.getFirst();
  }

  /** An attribute that is a list of descriptors, all of them, which become the caller's. */
  List<Descriptor> nodes(int attribute, String element, int elementType) throws CudnnException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(ValueLayout.JAVA_LONG);
      CudnnException.next(
          Cudnn.cudnnBackendGetAttribute(
              handle,
              attribute,
              Cudnn.CUDNN_TYPE_BACKEND_DESCRIPTOR(),
              0,
              count,
              MemorySegment.NULL),
          name);
      return nodes(attribute, element, elementType, (int) count.get(ValueLayout.JAVA_LONG, 0));
    }
  }

  private List<Descriptor> nodes(int attribute, String element, int elementType, int most)
      throws CudnnException {
    List<Descriptor> all = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment array =
          arena.allocate(MemoryLayout.sequenceLayout(Math.max(1, most), ValueLayout.ADDRESS));
      for (int i = 0; i < most; i++) {
        all.add(create(element, elementType));
        array.setAtIndex(ValueLayout.ADDRESS, i, all.get(i).handle);
      }
      int status =
          Cudnn.cudnnBackendGetAttribute(
              handle, attribute, Cudnn.CUDNN_TYPE_BACKEND_DESCRIPTOR(), most, count, array);
      int filled =
          status == Cudnn.CUDNN_STATUS_SUCCESS()
              ? (int) Math.min(most, count.get(ValueLayout.JAVA_LONG, 0))
              : 0;
      while (all.size() > filled) {
        all.removeLast().close();
      }
      CudnnException.next(status, name);
      return all;
    }
  }

  @Override
  public void close() {
    CudnnException.require(Cudnn.cudnnBackendDestroyDescriptor(handle), "destroying a " + name);
  }
}
