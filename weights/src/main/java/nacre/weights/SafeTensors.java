package nacre.weights;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * A memory-mapped safetensors file: nothing is read before it is used. Where the file system maps
 * no files, as some mounted over a network or by FUSE do not, the whole file is read when it is
 * opened.
 *
 * <p>The format: the length of the header (8 bytes, little-endian), the header (JSON), the tensors'
 * bytes without gaps.
 *
 * @see <a href="https://github.com/huggingface/safetensors">the format's description</a>
 */
public final class SafeTensors implements WeightFile {
  /** The largest header the format allows, in bytes. */
  static final long MAX_HEADER = 100_000_000;

  private static final ValueLayout.OfLong LENGTH =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path path;
  private final Arena arena;
  private final Map<String, String> metadata;
  private final Map<String, Entry> entries;

  /** One tensor of a file. */
  public static final class Entry {
    private final Path file;
    private final String name;
    private final StoredType type;
    private final Shape shape;
    private final StoredBytes content;

    /** The number of the first element in {@link #content}. */
    private final long start;

    Entry(Path file, String name, StoredType type, Shape shape, StoredBytes content) {
      this(file, name, type, shape, content, 0);
    }

    private Entry(
        Path file, String name, StoredType type, Shape shape, StoredBytes content, long start) {
      this.file = file;
      this.name = name;
      this.type = type;
      this.shape = shape;
      this.content = content;
      this.start = start;
    }

    /** The file in which it lies. */
    public Path file() {
      return file;
    }

    /** Its name in the file. */
    public String name() {
      return name;
    }

    /** Its element type in the file. */
    public StoredType type() {
      return type;
    }

    /** Its extents in the file. */
    public Shape shape() {
      return shape;
    }

    /** The number of its bytes; nothing is read. */
    public long bytes() {
      return shape.elements() * type.bytes();
    }

    /**
     * Its bytes, row-major, little-endian; valid until the file is closed. Those of a tensor that
     * lies otherwise in its file are put in order with each call.
     */
    public MemorySegment data() {
      return content.elements(start, shape.elements());
    }

    /**
     * A new tensor with this content, in the current scope.
     *
     * @param dtype what to convert to
     * @param layout how the content is laid out in the file
     * @throws WeightsException if the stored type has no conversion
     */
    public Tensor toTensor(Device device, DType dtype, Layout layout) throws WeightsException {
      Tensor tensor = Tensor.empty(device, dtype, layout.memory(shape));
      try {
        copyTo(tensor, layout);
      } catch (WeightsException e) {
        tensor.close();
        throw e;
      }
      return tensor;
    }

    /**
     * Writes this content over a tensor, converting to its dtype.
     *
     * @param layout how the content is laid out in the file
     * @throws WeightsException if the stored type has no conversion
     * @throws IllegalArgumentException if the shapes differ
     */
    public void copyTo(Tensor tensor, Layout layout) throws WeightsException {
      Shape wanted = layout.disk(tensor.shape());
      if (!shape.equals(wanted)) {
        throw new IllegalArgumentException(
            "load: tensor " + name + " is " + shape + " in " + file + ", " + wanted + " is wanted");
      }
      EntryReader.copy(this, tensor, layout);
    }

    /**
     * A part of this tensor, cut along the first axis; nothing is read.
     *
     * @param part which, from 0
     * @param parts how many equal parts there are
     * @throws WeightsException if the tensor cannot be divided so
     */
    Entry part(int part, int parts) throws WeightsException {
      if (parts == 1) {
        return this;
      }
      int[] dims = shape.toArray();
      if (dims.length == 0 || dims[0] % parts != 0) {
        throw new WeightsException(
            file,
            String.format(
                Locale.ROOT,
                "tensor %s is %s, its %d parts cannot be equal",
                OneLine.clip(name),
                shape,
                parts));
      }
      dims[0] /= parts;
      long elements = shape.elements() / parts;
      return new Entry(file, name, type, Shape.of(dims), content, start + part * elements);
    }

    /** {@code count} elements from the {@code from}-th on, as a vector; nothing is read. */
    Entry run(long from, int count) {
      return new Entry(file, name, type, Shape.of(count), content, start + from);
    }

    /**
     * The weight {@code [O, I, 1, 1]} or {@code [O, I, 1]} of a convolution as a linear layer's,
     * {@code [O, I]}.
     */
    Entry linear() {
      int rank = shape.rank();
      boolean pointwise = (rank == 3 || rank == 4) && shape.dim(2) == 1 && shape.dim(rank - 1) == 1;
      Shape linear = pointwise ? Shape.of(shape.dim(0), shape.dim(1)) : shape;
      return new Entry(file, name, type, linear, content, start);
    }
  }

  private SafeTensors(
      Path path, Arena arena, Map<String, String> metadata, Map<String, Entry> entries) {
    this.path = path;
    this.arena = arena;
    this.metadata = metadata;
    this.entries = entries;
  }

  /**
   * Maps a file and checks its header.
   *
   * @throws WeightsException if there is no such file or it is malformed, in one line
   */
  public static SafeTensors open(Path path) throws WeightsException {
    return MappedFile.open(path, (bytes, arena) -> parse(path, bytes, arena));
  }

  static SafeTensors parse(Path path, MemorySegment file, Arena arena) throws WeightsException {
    if (file.byteSize() < 8) {
      throw refusal(path, file, "not a safetensors file: it has " + file.byteSize() + " bytes");
    }
    long length = file.get(LENGTH, 0);
    if (length < 0 || length > MAX_HEADER) {
      throw refusal(
          path,
          file,
          "not a safetensors file: it claims a header of "
              + Long.toUnsignedString(length)
              + " bytes, at most "
              + MAX_HEADER
              + " are allowed");
    }
    if (length > file.byteSize() - 8) {
      throw refusal(
          path,
          file,
          "header of "
              + length
              + " bytes is cut off; the file has "
              + file.byteSize()
              + " bytes and may be truncated");
    }
    if (length == 0 || file.get(ValueLayout.JAVA_BYTE, 8) != '{') {
      throw refusal(path, file, "not a safetensors file: its header is not a JSON object");
    }
    MemorySegment data = file.asSlice(8 + length);
    SafeTensorsHeader header =
        SafeTensorsHeader.parse(path, file.asSlice(8, length).asByteBuffer(), data.byteSize());
    Map<String, Entry> entries = new LinkedHashMap<>();
    for (SafeTensorsHeader.Item item : header.items()) {
      MemorySegment bytes = data.asSlice(item.begin(), item.end() - item.begin());
      StoredBytes content = StoredBytes.of(bytes, item.type());
      entries.put(item.name(), new Entry(path, item.name(), item.type(), item.shape(), content));
    }
    return new SafeTensors(path, arena, header.metadata(), entries);
  }

  /**
   * The error for a malformed file: its format if its first bytes reveal it, else what is wrong
   * with it as safetensors.
   */
  private static WeightsException refusal(Path path, MemorySegment file, String otherwise) {
    byte[] start = ForeignFormat.start(file);
    return new WeightsException(
        path,
        ForeignFormat.of(start)
            .map(format -> "not a safetensors file but " + format.description(start))
            .orElse(otherwise));
  }

  /** The file. */
  @Override
  public Path path() {
    return path;
  }

  /** The strings the file's writer left in {@code __metadata__}. */
  @Override
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(metadata);
  }

  /** The tensors by name, in the order of their bytes. */
  @Override
  public Map<String, Entry> entries() {
    return Collections.unmodifiableMap(entries);
  }

  /** Unmaps the file; entries can no longer be read. */
  @Override
  public void close() {
    arena.close();
  }
}
