package nacre.weights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
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
public final class SafeTensors implements AutoCloseable {
  /** The largest header the format allows, in bytes. */
  static final long MAX_HEADER = 100_000_000;

  /** The bytes that are read at a time where a file cannot be mapped. */
  private static final long LARGEST_READ = 1 << 24;

  private static final ValueLayout.OfLong LENGTH =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path path;
  private final Arena arena;
  private final Map<String, String> metadata;
  private final Map<String, Entry> entries;

  /**
   * One tensor of the file.
   *
   * @param file where it lies
   * @param name its name in the file
   * @param type its element type in the file
   * @param shape its extents in the file
   * @param data its bytes, row-major, little-endian; valid until the file is closed
   */
  public record Entry(Path file, String name, StoredType type, Shape shape, MemorySegment data) {

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
     * A part of this tensor, cut along the first axis; nothing is copied.
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
      long bytes = data.byteSize() / parts;
      return new Entry(file, name, type, Shape.of(dims), data.asSlice(part * bytes, bytes));
    }

    /** {@code count} elements from the {@code start}-th on, as a vector; nothing is copied. */
    Entry run(long start, int count) {
      MemorySegment run = data.asSlice(start * type.bytes(), (long) count * type.bytes());
      return new Entry(file, name, type, Shape.of(count), run);
    }

    /**
     * The weight {@code [O, I, 1, 1]} or {@code [O, I, 1]} of a convolution as a linear layer's,
     * {@code [O, I]}.
     */
    Entry linear() {
      int rank = shape.rank();
      boolean pointwise = (rank == 3 || rank == 4) && shape.dim(2) == 1 && shape.dim(rank - 1) == 1;
      Shape linear = pointwise ? Shape.of(shape.dim(0), shape.dim(1)) : shape;
      return new Entry(file, name, type, linear, data);
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
    if (!Files.isRegularFile(path)) {
      throw new WeightsException(path, Files.exists(path) ? "is not a file" : "no such file");
    }
    Arena arena = Arena.ofShared();
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return parse(path, bytes(channel, arena), arena);
    } catch (WeightsException | RuntimeException | Error e) {
      arena.close();
      throw e;
    } catch (IOException e) {
      arena.close();
      throw new WeightsException(path, "cannot be read: " + e.getMessage(), e);
    }
  }

  /** The bytes of a file, mapped into memory or, where that cannot be done, read into it. */
  private static MemorySegment bytes(FileChannel channel, Arena arena) throws IOException {
    long size = channel.size();
    try {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
    } catch (IOException | UnsupportedOperationException e) {
      MemorySegment read = arena.allocate(size);
      for (long at = 0; at < size; ) {
        ByteBuffer rest = read.asSlice(at, Math.min(size - at, LARGEST_READ)).asByteBuffer();
        int count = channel.read(rest, at);
        if (count < 0) {
          throw new IOException(
              String.format(Locale.ROOT, "it ends after %,d of %,d bytes", at, size), e);
        }
        at += count;
      }
      return read.asReadOnly();
    }
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
      entries.put(item.name(), new Entry(path, item.name(), item.type(), item.shape(), bytes));
    }
    return new SafeTensors(path, arena, header.metadata(), entries);
  }

  /**
   * The error for a malformed file: its format if its first bytes reveal it, else what is wrong
   * with it as safetensors.
   */
  private static WeightsException refusal(Path path, MemorySegment file, String otherwise) {
    long length = Math.min(ForeignFormat.LOOKED_AT, file.byteSize());
    byte[] start = file.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
    return new WeightsException(
        path,
        ForeignFormat.of(start)
            .map(format -> "not a safetensors file but " + format.description(start))
            .orElse(otherwise));
  }

  /** The file. */
  public Path path() {
    return path;
  }

  /** The strings the file's writer left in {@code __metadata__}. */
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(metadata);
  }

  /** The tensors by name, in the order of their bytes. */
  public Map<String, Entry> entries() {
    return Collections.unmodifiableMap(entries);
  }

  /**
   * The tensor of a name.
   *
   * @throws WeightsException if there is none
   */
  public Entry entry(String name) throws WeightsException {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw new WeightsException(path, "has no tensor " + OneLine.clip(name));
    }
    return entry;
  }

  /** Unmaps the file; entries can no longer be read. */
  @Override
  public void close() {
    arena.close();
  }
}
