package nacre.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Files with a header made by hand. */
final class HeaderFile {
  private HeaderFile() {}

  static byte[] bytes(byte[] header, int dataBytes) {
    return ByteBuffer.allocate(8 + header.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.length)
        .put(header)
        .array();
  }

  static void write(Path file, String header, int dataBytes) throws IOException {
    Files.write(file, bytes(header.getBytes(StandardCharsets.UTF_8), dataBytes));
  }
}
