package nacre.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.Packing;

/**
 * A dense, row-major array of numbers on a device. It belongs to a {@link Scope}, which frees it.
 * The handle is immutable; operations make new tensors. Only parameters and buffers are written in
 * place, by optimizers, loaders and {@link #copyFrom(float[])}.
 */
public final class Tensor implements AutoCloseable {
  private final Device device;
  private final DType dtype;
  private final Shape shape;
  private final Storage storage;
  private final long offset; // bytes into the storage
  private Scope owner;
  private int place;
  private boolean closed;
  private boolean tracked;
  private boolean brief; // says nothing of its elements
  private Tape maker;

  private Tensor(
      Device device, DType dtype, Shape shape, Storage storage, long offset, Scope owner) {
    this.device = device;
    this.dtype = dtype;
    this.shape = shape;
    this.storage = storage;
    this.offset = offset;
    if (owner != null) {
      owner.register(this);
    }
  }

  /** A tensor whose elements are not yet written. */
  public static Tensor empty(Device device, DType dtype, Shape shape) {
    Scope scope = Scope.current();
    Backend backend = device.backend();
    Storage storage = new Storage(backend.allocator(), shape.elements() * dtype.bytes());
    Tensor tensor = new Tensor(device, dtype, shape, storage, 0, scope);
    if (Memory.poison()) {
      backend.poison(tensor);
    }
    return tensor;
  }

  /** A tensor of one value. */
  public static Tensor full(Device device, DType dtype, Shape shape, double value) {
    Tensor tensor = empty(device, dtype, shape);
    device.backend().fill(tensor, value);
    return tensor;
  }

  /** A tensor of zeros. */
  public static Tensor zeros(Device device, DType dtype, Shape shape) {
    return full(device, dtype, shape, 0);
  }

  /** An f32 tensor of the given values in row-major order. */
  public static Tensor of(Device device, Shape shape, float... values) {
    return empty(device, DType.F32, shape).copyFrom(values);
  }

  /** An i32 tensor of the given values in row-major order. */
  public static Tensor ofInts(Device device, Shape shape, int... values) {
    Tensor tensor = empty(device, DType.I32, shape);
    tensor.requireCount("ofInts", values.length);
    device.backend().upload(MemorySegment.ofArray(values), tensor);
    return tensor;
  }

  /** A tensor of the same device, dtype and shape whose elements are not yet written. */
  public Tensor like() {
    return empty(device, dtype, shape);
  }

  /** A tensor of the same device and dtype, another shape, not yet written. */
  public Tensor like(Shape other) {
    return empty(device, dtype, other);
  }

  /** Where the elements lie. */
  public Device device() {
    return device;
  }

  /** The backend of the device. */
  public Backend backend() {
    return device.backend();
  }

  /** The element type. */
  public DType dtype() {
    return dtype;
  }

  /** The extents. */
  public Shape shape() {
    return shape;
  }

  /** Extent of one axis; negative axes count from the last. */
  public int dim(int axis) {
    return shape.dim(axis);
  }

  /** Number of elements. */
  public long elements() {
    return shape.elements();
  }

  /** Bytes that the elements take. */
  public long bytes() {
    return shape.elements() * dtype.bytes();
  }

  /**
   * The address of the first element in the device's memory. Whoever asks for it might write: the
   * tensor is not {@linkplain #prepack prepacked} any more.
   *
   * @throws IllegalStateException if the tensor is closed
   */
  public long address() {
    requireOpen();
    return storage.address() + offset;
  }

  void requireOpen() {
    if (closed) {
      throw new IllegalStateException("tensor " + describe() + " was used after its scope closed");
    }
  }

  /**
   * Says that the elements have their final values: from now on a backend may keep them in the
   * layout that it computes with most quickly, and in that one only, so that memory holds them
   * once. Worth it for weights that are used more often than they are written. Nothing computed
   * with them changes, and the next to ask for {@link #address()}, to read or to write, finds them
   * laid out again as ever; to be prepacked again, it must be said again.
   *
   * <p>Nobody may be using an address or a {@link #segment()} of this tensor at the time.
   *
   * @return this
   */
  public Tensor prepack() {
    requireOpen();
    storage.prepack();
    return this;
  }

  /** Whether the elements may be packed. */
  public boolean prepacked() {
    return storage.prepacked();
  }

  /**
   * The elements in a backend's own layout, packed when they are first asked for in it. To be
   * closed after use.
   *
   * @return null where this tensor is not prepacked
   */
  public Packed packed(Packing packing) {
    requireOpen();
    return storage.packed(packing, offset, bytes());
  }

  /**
   * Notes that the elements were written, by which {@link Tape#backward} knows that they are not
   * what it saved. Every method of {@link Backend} does so for what it writes, and so does {@link
   * #writableSegment}; whoever writes by an {@link #address()} of his own says it here.
   *
   * @param by what wrote, as an error shall name it
   */
  public void written(Object by) {
    storage.written(by);
  }

  /** How often the memory that this tensor shares was written. */
  int version() {
    return storage.version();
  }

  /** What wrote it last. */
  Object writer() {
    return storage.writer();
  }

  /** The memory, which views share. */
  Storage storage() {
    return storage;
  }

  /** Whether the tape follows this tensor: a leaf marked so, or computed from one. */
  public boolean tracked() {
    return tracked;
  }

  /** Marks this tensor as a leaf whose gradient is wanted, and returns it. */
  public Tensor track() {
    if (!dtype.isFloating()) {
      throw new IllegalStateException(
          "track: " + describe() + " has no gradient, its dtype is " + dtype);
    }
    tracked = true;
    maker = null;
    return this;
  }

  /** Marks this tensor as computed, on a tape, from one that is tracked. */
  void track(Tape tape) {
    track();
    maker = tape;
  }

  /** The tape that holds how this tensor was computed; null for a leaf, and where none does. */
  Tape maker() {
    return maker;
  }

  /** The same elements under another handle that the tape does not follow. */
  public Tensor detach() {
    return view(shape, Scope.current());
  }

  /**
   * The same elements in another shape of as many elements; memory is shared, nothing is copied.
   */
  public Tensor view(Shape other) {
    return view(other, Scope.current());
  }

  Tensor view(Shape other, Scope scope) {
    if (other.elements() != shape.elements()) {
      throw new IllegalArgumentException(
          "view: "
              + describe()
              + " has "
              + elements()
              + " elements, "
              + other
              + " wants "
              + other.elements());
    }
    requireOpen();
    storage.retain();
    return new Tensor(device, dtype, other, storage, offset, scope);
  }

  /**
   * Rows {@code from} (inclusive) to {@code to} (exclusive), along the first axis, under another
   * handle that the tape does not follow; memory is shared, nothing is copied.
   */
  public Tensor rows(int from, int to) {
    if (shape.rank() == 0 || from < 0 || to < from || to > shape.dim(0)) {
      throw new IllegalArgumentException(
          "rows: " + describe() + " has no rows " + from + " to " + to);
    }
    requireOpen();
    storage.retain();
    Shape part = shape.with(0, to - from);
    long row = shape.elements(1, shape.rank()) * dtype.bytes();
    return new Tensor(device, dtype, part, storage, offset + from * row, Scope.current());
  }

  /** Whether no other handle shares the memory. */
  public boolean unshared() {
    return storage.references() == 1;
  }

  /** Writes f32 values, in row-major order, converting to this tensor's dtype. */
  public Tensor copyFrom(float[] values) {
    requireCount("copyFrom", values.length);
    if (dtype == DType.F32) {
      backend().upload(MemorySegment.ofArray(values), this);
    } else {
      try (Scope _ = Scope.open()) {
        Tensor staged = of(device, shape, values);
        backend().cast(staged, this);
      }
    }
    written("copyFrom");
    return this;
  }

  /** The elements as f32 in row-major order. */
  public float[] toFloats() {
    if (elements() > Integer.MAX_VALUE - 8) {
      throw new IllegalStateException("toFloats: " + describe() + " does not fit a Java array");
    }
    float[] values = new float[(int) elements()];
    if (dtype == DType.F32) {
      backend().download(this, MemorySegment.ofArray(values));
    } else {
      try (Scope _ = Scope.open()) {
        Tensor staged = empty(device, DType.F32, shape);
        backend().cast(this, staged);
        backend().download(staged, MemorySegment.ofArray(values));
      }
    }
    return values;
  }

  /** The only element of a tensor of one element. */
  public float item() {
    requireCount("item", 1);
    return toFloats()[0];
  }

  /** A copy of this tensor on another device. */
  public Tensor to(Device other) {
    Tensor copy = empty(other, dtype, shape);
    if (device.isHost()) {
      other.backend().upload(segment(), copy);
    } else if (other.isHost()) {
      backend().download(this, copy.writableSegment());
    } else {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment staging = arena.allocate(bytes(), 64);
        backend().download(this, staging);
        other.backend().upload(staging, copy);
      }
    }
    return copy;
  }

  /**
   * The elements as host memory, to be read while this tensor is open: the segment does not know
   * when its memory goes.
   *
   * @throws IllegalStateException if the device's memory is not the host's
   */
  public MemorySegment segment() {
    return memory("segment", "toFloats").asReadOnly();
  }

  /**
   * As {@link #segment}, to be written: it counts as a write, once, so that it is to be asked for
   * anew before the next.
   *
   * @throws IllegalStateException if the device's memory is not the host's
   */
  public MemorySegment writableSegment() {
    MemorySegment memory = memory("writableSegment", "copyFrom");
    written("writableSegment");
    return memory;
  }

  @SuppressWarnings("restricted")
  private MemorySegment memory(String operation, String instead) {
    if (!device.isHost()) {
      throw new IllegalStateException(
          operation + ": " + describe() + " is not in host memory; use " + instead);
    }
    return MemorySegment.ofAddress(address()).reinterpret(bytes());
  }

  /** Element {@code i} in row-major order of an f32 tensor in host memory. For tests and tools. */
  public float get(long i) {
    if (dtype != DType.F32) {
      throw new IllegalStateException("get: " + describe() + " is not f32; use toFloats");
    }
    return segment().getAtIndex(ValueLayout.JAVA_FLOAT, i);
  }

  private void requireCount(String operation, long count) {
    if (count != elements()) {
      throw new IllegalArgumentException(
          operation + ": " + describe() + " has " + elements() + " elements, not " + count);
    }
  }

  Scope owner() {
    return owner;
  }

  /** Where the owner keeps this tensor. */
  int place() {
    return place;
  }

  void owner(Scope scope, int at) {
    owner = scope;
    place = at;
  }

  void release() {
    if (!closed) {
      closed = true;
      storage.release();
    }
  }

  /**
   * Frees this tensor before its scope closes.
   *
   * @throws IllegalStateException if the scope is another thread's
   */
  @Override
  public void close() {
    if (!closed) {
      if (owner != null) {
        owner.forget(this);
      }
      release();
    }
  }

  /** Dtype, shape and device, as {@code f32[2, 64, 64, 4]@cpu}: what errors say of a tensor. */
  public String describe() {
    return dtype.toString() + shape + "@" + device;
  }

  /**
   * {@link #describe} and the first elements, as {@code f32[2, 3]@cpu [0.5, -1.25, 3, 0, 0, 1]}.
   * Waits for the device. Elements that cannot be read just now are left out: those of a closed or
   * {@linkplain #prepack prepacked} tensor, and on a GPU those of a step that is being captured.
   */
  @Override
  public String toString() {
    return closed || brief || prepacked() ? describe() : describe() + FirstValues.of(this);
  }

  /** The first elements under a handle of no scope; it prints briefly, as reading it may fail. */
  Tensor first(int count) {
    storage.retain();
    Tensor first = new Tensor(device, dtype, Shape.of(count), storage, offset, null);
    first.brief = true;
    return first;
  }
}
