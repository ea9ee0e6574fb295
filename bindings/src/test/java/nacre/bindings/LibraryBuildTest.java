package nacre.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibraryBuildTest {
  @TempDir Path folder;

  @Test
  void theLinkersIdentifierIsRead() throws IOException {
    Path one = Files.write(folder.resolve("one.so"), elf(1));
    Path other = Files.write(folder.resolve("other.so"), elf(2));
    assertEquals("0101010101010101", LibraryBuild.of(one));
    assertNotEquals(LibraryBuild.of(one), LibraryBuild.of(other));
  }

  @Test
  void aFileWithoutOneIsToldByItsLength() throws IOException {
    assertEquals("5 bytes", LibraryBuild.of(Files.write(folder.resolve("a"), new byte[5])));
    assertEquals("", LibraryBuild.of(folder.resolve("missing")));
  }

  /** Headers that point anywhere make no fault. */
  @Test
  void damagedFilesAreToldByTheirLength() throws IOException {
    byte[] whole = elf(1);
    for (int length = 0; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      LibraryBuild.of(Files.write(folder.resolve("cut"), cut));
    }
    for (int at = 16; at < whole.length; at++) {
      byte[] changed = whole.clone();
      changed[at] = (byte) 0xFF;
      assertTrue(!LibraryBuild.of(Files.write(folder.resolve("changed"), changed)).isEmpty());
    }
  }

  /** A header, one program header, and the notes: one of another maker, then the identifier. */
  private static byte[] elf(int build) {
    ByteBuffer b = ByteBuffer.allocate(160).order(ByteOrder.LITTLE_ENDIAN);
    b.putInt(0, 0x464C457F).put(4, (byte) 2).put(5, (byte) 1);
    b.putLong(32, 64).putShort(54, (short) 56).putShort(56, (short) 1);
    b.putInt(64, 4).putLong(72, 120).putLong(96, 40);
    b.putInt(120, 3).putInt(124, 0).putInt(128, 7).put(132, new byte[] {'X', 'Y', 0});
    b.putInt(136, 4).putInt(140, 8).putInt(144, 3).put(148, new byte[] {'G', 'N', 'U', 0});
    for (int i = 0; i < 8; i++) {
      b.put(152 + i, (byte) build);
    }
    return b.array();
  }
}
