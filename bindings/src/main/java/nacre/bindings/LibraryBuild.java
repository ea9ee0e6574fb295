package nacre.bindings;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Which build of a library a file is. A version such as 13.0 has many, and what they make may
 * differ. Linkers write an identifier of the build into an ELF file's notes.
 */
public final class LibraryBuild {
  /** Program headers and notes stand at the beginning. */
  private static final int LOOKED_AT = 4096;

  private static final int NOTES = 4;
  private static final int BUILD_ID = 3;
  private static final byte[] GNU = "GNU\0".getBytes(StandardCharsets.US_ASCII);

  private LibraryBuild() {}

  /**
   * The build's identifier; where the file has none its length, or nothing if it cannot be read.
   */
  public static String of(Path file) {
    try (FileChannel channel = FileChannel.open(file)) {
      ByteBuffer head = ByteBuffer.allocate(LOOKED_AT).order(ByteOrder.LITTLE_ENDIAN);
      while (head.hasRemaining() && channel.read(head) >= 0) {
        // the rest of a short read
      }
      String build = build(head.flip());
      return build.isEmpty() ? channel.size() + " bytes" : build;
    } catch (IOException e) {
      return "";
    }
  }

  /** Of a 64-bit ELF file, little endian; empty where it is none, or has no identifier there. */
  private static String build(ByteBuffer elf) {
    if (elf.limit() < 64 || elf.getInt(0) != 0x464C457F || elf.get(4) != 2 || elf.get(5) != 1) {
      return "";
    }
    long headers = elf.getLong(32);
    int size = elf.getShort(54);
    int count = elf.getShort(56);
    for (int i = 0; i < count; i++) {
      long header = headers + (long) i * size;
      if (header < 0 || header + 56 > elf.limit()) {
        return "";
      }
      if (elf.getInt((int) header) == NOTES) {
        String build = note(elf, elf.getLong((int) header + 8), elf.getLong((int) header + 32));
        if (!build.isEmpty()) {
          return build;
        }
      }
    }
    return "";
  }

  /** The identifier among notes: sizes of name and text, the type, name, text, in words each. */
  private static String note(ByteBuffer elf, long from, long bytes) {
    long at = from;
    while (at >= 0 && at + 12 <= Math.min(from + bytes, elf.limit())) {
      int name = elf.getInt((int) at);
      int text = elf.getInt((int) at + 4);
      int type = elf.getInt((int) at + 8);
      long body = at + 12 + (name + 3L) / 4 * 4;
      if (name < 0 || text < 0 || body + text > elf.limit()) {
        return "";
      }
      byte[] names = new byte[Math.min(name, GNU.length)];
      elf.get((int) at + 12, names);
      if (type == BUILD_ID && Arrays.equals(names, GNU)) {
        byte[] id = new byte[text];
        elf.get((int) body, id);
        return HexFormat.of().formatHex(id);
      }
      at = body + (text + 3L) / 4 * 4;
    }
    return "";
  }
}
