package nacre.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * A writer of safetensors files, with the order of the format's reference implementation: tensors
 * by element type, widest first, then by name; the header is padded with spaces to a multiple of 8
 * bytes. The same content gives the same bytes. A file appears whole or not at all.
 */
public final class SafeTensorsWriter {
  private static final JsonFactory JSON = new JsonFactory();

  /** Number of bytes written at once. */
  private static final long CHUNK = 1 << 24;

  /** Number of elements converted or put in order at once. */
  private static final int CONVERTED = 1 << 22;

  private record Item(String name, StoredType type, Shape shape, Content content) {
    long bytes() {
      return shape.elements() * type.bytes();
    }
  }

  /** Writes a tensor's bytes. */
  @FunctionalInterface
  private interface Content {
    void writeTo(FileChannel channel) throws IOException;
  }

  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final Map<String, Item> items = new LinkedHashMap<>();

  /**
   * A writer with {@code format: pt} in its metadata, without which transformers refuses a file.
   */
  public SafeTensorsWriter() {
    metadata.put("format", "pt");
  }

  /** Adds a string to the file's metadata, or replaces it. */
  public SafeTensorsWriter metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /** Adds parameters, each in the layout of {@link Layout#ofParameter}. */
  public SafeTensorsWriter addParameters(Map<String, Tensor> parameters) {
    parameters.forEach((name, tensor) -> add(name, tensor, Layout.ofParameter(tensor.shape())));
    return this;
  }

  /**
   * Adds a tensor, whose content is read when the file is written.
   *
   * @param layout how to lay it out in the file
   * @throws IllegalArgumentException if the name is taken or reserved
   */
  public SafeTensorsWriter add(String name, Tensor tensor, Layout layout) {
    StoredType type = StoredType.of(tensor.dtype());
    return put(
        new Item(
            name, type, layout.disk(tensor.shape()), channel -> write(channel, tensor, layout)));
  }

  /**
   * Adds tensors of other files, in the same layout; they are read, converted and written piece by
   * piece when this file is written.
   *
   * @param parts the tensors to concatenate along the first axis
   * @param shape of all parts together
   * @param type to convert to
   * @throws IllegalArgumentException if the name is taken or reserved
   */
  public SafeTensorsWriter add(
      String name, List<SafeTensors.Entry> parts, Shape shape, StoredType type) {
    return put(
        new Item(
            name,
            type,
            shape,
            channel -> {
              for (SafeTensors.Entry part : parts) {
                write(channel, part, type);
              }
            }));
  }

  private SafeTensorsWriter put(Item item) {
    if (item.name.equals("__metadata__")) {
      throw new IllegalArgumentException("safetensors: the name __metadata__ is reserved");
    }
    if (items.putIfAbsent(item.name, item) != null) {
      throw new IllegalArgumentException("safetensors: two tensors are named " + item.name);
    }
    return this;
  }

  /**
   * Writes the file, over an old one of its name if there is one.
   *
   * @throws IOException in one sentence; the old file is then as it was
   */
  public void write(Path target) throws IOException {
    List<Item> sorted = new ArrayList<>(items.values());
    sorted.sort(Comparator.comparing(Item::type).reversed().thenComparing(Item::name));
    ByteBuffer header = header(sorted);
    AtomicFile.writeChannel(
        target,
        channel -> {
          writeAll(channel, header);
          for (Item item : sorted) {
            long start = channel.position();
            item.content.writeTo(channel);
            if (channel.position() - start != item.bytes()) {
              throw new IllegalArgumentException(
                  "safetensors: the parts of " + item.name + " do not make up " + item.shape);
            }
          }
        });
  }

  private ByteBuffer header(List<Item> sorted) throws IOException {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart("__metadata__");
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
          json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
      }
      long offset = 0;
      for (Item item : sorted) {
        json.writeObjectFieldStart(item.name);
        json.writeStringField("dtype", item.type.name());
        json.writeFieldName("shape");
        int[] dims = item.shape.toArray();
        json.writeArray(dims, 0, dims.length);
        json.writeFieldName("data_offsets");
        json.writeArray(new long[] {offset, offset + item.bytes()}, 0, 2);
        json.writeEndObject();
        offset += item.bytes();
      }
      json.writeEndObject();
    }
    while (text.size() % 8 != 0) {
      text.write(' ');
    }
    if (text.size() > SafeTensors.MAX_HEADER) {
      throw new IOException(
          "safetensors: a header of " + text.size() + " bytes is more than the format allows");
    }
    ByteBuffer buffer = ByteBuffer.allocate(8 + text.size()).order(ByteOrder.LITTLE_ENDIAN);
    return buffer.putLong(text.size()).put(text.toByteArray()).flip();
  }

  private static void write(FileChannel channel, Tensor tensor, Layout layout) throws IOException {
    try (Scope _ = Scope.open();
        Arena arena = Arena.ofConfined()) {
      Tensor stored = tensor;
      if (layout != Layout.SAME) {
        stored = tensor.like(layout.disk(tensor.shape()));
        layout.intoDisk(tensor, stored);
      }
      MemorySegment bytes;
      if (stored.device().isHost()) {
        bytes = stored.segment();
      } else {
        bytes = arena.allocate(stored.bytes());
        stored.backend().download(stored, bytes);
      }
      write(channel, bytes);
    }
  }

  private static void write(FileChannel channel, SafeTensors.Entry entry, StoredType type)
      throws IOException {
    long elements = entry.shape().elements();
    if (entry.type() == type) {
      for (long at = 0; at < elements; at += CONVERTED) {
        write(channel, entry.run(at, (int) Math.min(CONVERTED, elements - at)).data());
      }
      return;
    }
    DType dtype = type.same().orElseThrow();
    for (long at = 0; at < elements; at += CONVERTED) {
      int count = (int) Math.min(CONVERTED, elements - at);
      try (Scope _ = Scope.open()) {
        write(channel, entry.run(at, count).toTensor(Device.cpu(), dtype, Layout.SAME).segment());
      }
    }
  }

  private static void write(FileChannel channel, MemorySegment bytes) throws IOException {
    for (long at = 0; at < bytes.byteSize(); at += CHUNK) {
      long length = Math.min(CHUNK, bytes.byteSize() - at);
      writeAll(channel, bytes.asSlice(at, length).asByteBuffer());
    }
  }

  private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
