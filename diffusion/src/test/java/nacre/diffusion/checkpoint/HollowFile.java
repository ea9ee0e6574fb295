package nacre.diffusion.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.StringJoiner;
import nacre.tensor.Shape;

/** A safetensors file of any size whose tensors are a hole in it: it takes no room on the disk. */
final class HollowFile {
  private HollowFile() {}

  /** Tensors of one byte an element. */
  static void write(Path file, Map<String, Shape> tensors) throws IOException {
    write(file, tensors, Map.of());
  }

  /** As {@link #write(Path, Map)}, with metadata. */
  static void write(Path file, Map<String, Shape> tensors, Map<String, String> metadata)
      throws IOException {
    StringJoiner entries = new StringJoiner(",", "{", "}");
    if (!metadata.isEmpty()) {
      StringJoiner texts = new StringJoiner(",", "\"__metadata__\":{", "}");
      metadata.forEach((key, value) -> texts.add("\"%s\":\"%s\"".formatted(key, value)));
      entries.add(texts.toString());
    }
    long end = 0;
    for (Map.Entry<String, Shape> tensor : tensors.entrySet()) {
      Shape shape = tensor.getValue();
      entries.add(
          "\"%s\":{\"dtype\":\"U8\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
              .formatted(tensor.getKey(), shape, end, end + shape.elements()));
      end += shape.elements();
    }
    byte[] header = entries.toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer head = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
    head.putLong(header.length).put(header).flip();
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      channel.write(head);
      channel.write(ByteBuffer.allocate(1), 8 + header.length + end - 1);
    }
  }
}
