package nacre.weights;

import static nacre.weights.PickleText.beside;
import static nacre.weights.PickleText.number;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files around a pickle, zip archives and the older format, that are not what they should be. */
class MaliciousArchiveTest {
  private static final Path PATH = Path.of("evil.pt");
  private static final String PICKLE = beside(number(1));

  private static Set<String> read(byte[] file) throws WeightsException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = MemorySegment.ofArray(file);
      TorchFile parsed = TorchFile.parse(PATH, bytes, arena, Optional.empty());
      return Set.copyOf(parsed.entries().keySet());
    }
  }

  private static void assertRefused(String reason, byte[] file) {
    String message = assertThrows(WeightsException.class, () -> read(file)).getMessage();
    assertTrue(message.startsWith("evil.pt: ") && message.contains(reason), message);
    assertEquals(1, message.lines().count(), message);
  }

  private static void assertRefused(String reason, ZipBytes zip) {
    assertRefused(reason, zip.bytes());
    assertRefused(reason, zip.bytes(true));
  }

  private static ZipBytes zip() {
    return ZipBytes.checkpoint(PICKLE);
  }

  private static byte[] joined(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  @Test
  void anyFolderAndFurtherEntriesWillDo() throws WeightsException {
    byte[] pickle = PickleText.bytes(PICKLE);
    ZipBytes other = new ZipBytes().add("Any näme.of it/data.pkl", pickle);
    other.add("Any näme.of it/data/0", new byte[16]).add("Any näme.of it/version", new byte[2]);
    other.add("Any näme.of it/.data/serialization_id", new byte[40]);
    assertEquals(Set.of("w"), read(other.bytes()));
    assertEquals(Set.of("w"), read(other.bytes(true)));
  }

  @Test
  void entriesThatWouldLeadElsewhereAreRefused() {
    for (String name :
        new String[] {
          "/etc/passwd", "../x", "a/../../x", "a/..", "C:/x", "a\\x", "a/x\n", "a/\u0000", ""
        }) {
      assertRefused("which no archive should", zip().add(name, new byte[1]));
    }
  }

  @Test
  void compressedAndEncryptedEntriesAreRefused() throws IOException {
    assertRefused("a/x is compressed", zip().add("a/x", new byte[9]).with(i -> i.method = 8));
    assertRefused("a/x is compressed", zip().add("a/x", new byte[9]).with(i -> i.method = 93));
    assertRefused("a/x is encrypted", zip().add("a/x", new byte[9]).with(i -> i.flags = 1));
    // A bomb: a thousand times as much as there is.
    ByteArrayOutputStream bomb = new ByteArrayOutputStream();
    try (ZipOutputStream out = new ZipOutputStream(bomb)) {
      out.putNextEntry(new ZipEntry("a/data.pkl"));
      out.write(new byte[1 << 24]);
    }
    assertRefused("a/data.pkl is compressed", bomb.toByteArray());
  }

  @Test
  void entriesOfOnePlaceOrNameAreRefused() {
    assertRefused("has two entries named a/data/0", zip().add("a/data/0", new byte[16]));
    assertRefused("has two entries named a/data.pkl", zip().add("a/data.pkl", new byte[16]));
    assertRefused(
        "is another one at its place than in the directory",
        zip().add("a/x", new byte[9]).with(item -> item.header = 0));
    assertRefused(
        "is another one at its place than in the directory",
        zip().add("a/x", new byte[9]).with(item -> item.localName = "a/y"));
    // An entry within another's bytes, as bombs without compression have.
    byte[] inner = new ZipBytes().add("a/x", new byte[9]).bytes();
    long at = indexOf(zip().add("a/y", inner).bytes(), inner);
    ZipBytes overlapping =
        zip().add("a/y", inner).add("a/x", new byte[9]).with(item -> item.header = at);
    assertRefused("overlaps the entry before it", overlapping);
  }

  private static int indexOf(byte[] all, byte[] part) {
    for (int i = 0; i <= all.length - part.length; i++) {
      if (Arrays.equals(all, i, i + part.length, part, 0, part.length)) {
        return i;
      }
    }
    throw new AssertionError();
  }

  @Test
  void entriesOutsideOfTheFileAreRefused() {
    assertRefused("outside", zip().add("a/x", new byte[9]).with(item -> item.header = 1 << 20));
    assertRefused(
        "reaches beyond",
        zip().add("a/x", new byte[9]).with(item -> item.size = item.compressed = 1 << 20));
    assertRefused("has two sizes", zip().add("a/x", new byte[9]).with(item -> item.compressed = 8));
    assertRefused("outside", zip().add("a/x", new byte[9]).with(item -> item.disk = 1));
    for (long wide : new long[] {Long.MAX_VALUE, Long.MIN_VALUE, -1, 1L << 40}) {
      ZipBytes far = zip().add("a/x", new byte[9]).with(item -> item.header = wide);
      if (wide > 0) {
        assertRefused("outside", far.bytes(true));
      }
      ZipBytes long_ =
          zip().add("a/x", new byte[9]).with(item -> item.size = item.compressed = wide);
      assertRefused("reaches beyond", long_.bytes(true));
    }
  }

  @Test
  void storagesThatDisagreeAreRefused() {
    byte[] pickle = PickleText.bytes(PICKLE);
    ZipBytes without = new ZipBytes().add("a/data.pkl", pickle);
    assertRefused("its storage 0 has no entry, its pickle says 16 bytes", without);
    assertRefused("its storage 0 has no entry", without.add("b/data/0", new byte[16]));
    assertRefused(
        "its storage 0 has 17 bytes",
        new ZipBytes().add("a/data.pkl", pickle).add("a/data/0", new byte[17]));
  }

  @Test
  void archivesOfOtherThingsAreRefused() {
    assertRefused("none of torch.save: it has no data.pkl", new ZipBytes().add("a", new byte[1]));
    assertRefused("it has no data.pkl", new ZipBytes().add("a/b/data.pkl", new byte[1]));
    assertRefused("has 2 data.pkl", zip().add("b/data.pkl", new byte[1]));
    assertRefused("TorchScript", zip().add("a/constants.pkl", new byte[1]));
    byte[] pickle = PickleText.bytes(PICKLE);
    for (String order : new String[] {"middle", "", "bigbigbigbigbig", "BIG", "\u0000"}) {
      ZipBytes odd = new ZipBytes().add("a/data.pkl", pickle).add("a/data/0", new byte[16]);
      assertRefused(
          "not little or big", odd.add("a/byteorder", order.getBytes(StandardCharsets.UTF_8)));
    }
    assertRefused(
        "pickle, byte 0: it wants 1 bytes", new ZipBytes().add("a/data.pkl", new byte[0]));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void archivesThatAreCutOffOrGoOnAreRefused(boolean zip64) {
    byte[] whole = zip().bytes(zip64);
    for (int length = 4; length < whole.length; length++) {
      assertRefused("", Arrays.copyOf(whole, length));
    }
    assertRefused("has no directory at its end", joined(whole, new byte[1]));
    assertRefused("directory", joined(whole, whole));
    assertRefused("directory", joined(zip().bytes(!zip64), whole));
    assertRefused("directory", joined("PK".getBytes(StandardCharsets.UTF_8), whole));
  }

  /** A comment may follow, if it reaches to the end. */
  @Test
  void aCommentMayFollow() throws WeightsException {
    byte[] whole = zip().bytes();
    byte[] commented = joined(whole, new byte[300]);
    ByteBuffer.wrap(commented)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putShort(whole.length - 2, (short) 300);
    assertEquals(Set.of("w"), read(commented));
    assertRefused("has no directory at its end", Arrays.copyOf(commented, commented.length - 1));
    // A second end within the comment of the first: which is it?
    byte[] twice = joined(whole, whole);
    ByteBuffer.wrap(twice)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putShort(whole.length - 2, (short) whole.length);
    assertRefused("more than one archive in it?", twice);
  }

  @Test
  void directoriesThatContradictThemselvesAreRefused() {
    byte[] wide = zip().bytes(true);
    int end = wide.length - 22;
    ByteBuffer fields = ByteBuffer.wrap(wide.clone()).order(ByteOrder.LITTLE_ENDIAN);
    fields.putInt(end + 16, 12); // where the directory begins
    assertRefused("two directories that contradict each other", fields.array());
    fields = ByteBuffer.wrap(wide.clone()).order(ByteOrder.LITTLE_ENDIAN);
    fields.putLong(end - 20 + 8, 0); // where the ZIP64 record is
    assertRefused("damaged ZIP64 directory", fields.array());
    fields.putLong(end - 20 + 8, Long.MIN_VALUE);
    assertRefused("damaged ZIP64 directory", fields.array());
    for (long entries : new long[] {2, 4, -1, Long.MAX_VALUE}) {
      fields = ByteBuffer.wrap(wide.clone()).order(ByteOrder.LITTLE_ENDIAN);
      fields.putLong(end - 76 + 32, entries);
      assertRefused("as a zip archive", fields.array());
    }
    byte[] plain = zip().bytes();
    fields = ByteBuffer.wrap(plain.clone()).order(ByteOrder.LITTLE_ENDIAN);
    fields.putShort(plain.length - 22 + 4, (short) 1);
    assertRefused("one of several parts of an archive", fields.array());
    fields = ByteBuffer.wrap(plain.clone()).order(ByteOrder.LITTLE_ENDIAN);
    fields.putShort(plain.length - 22 + 8, (short) 9).putShort(plain.length - 22 + 10, (short) 9);
    assertRefused("as a zip archive", fields.array());
  }

  private static byte[] legacy(String keys, String storages) {
    return legacy("}", keys, storages);
  }

  private static byte[] legacy(String machine, String keys, String storages) {
    String magic = PickleText.START + "\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P\u0019.";
    String version = PickleText.START + "M\u00e9\u0003.";
    return PickleText.bytes(
        magic
            + version
            + PickleText.START
            + machine
            + "."
            + PICKLE
            + PickleText.START
            + keys
            + "."
            + storages);
  }

  /** What one pickle may take, the five of a file do not take each. */
  @Test
  void thePicklesOfAnOlderFileShareTheBoundOfMemory() throws WeightsException {
    String floats = PickleText.little(4, 8) + "\0".repeat(16);
    String key = "](" + PickleText.text("0") + "e";
    String much = "N0".repeat(3_600_000); // each counts 40 bytes, which it gives back
    assertEquals(Set.of("w"), read(legacy(much + "}", key, floats)));
    assertEquals(Set.of("w"), read(legacy(much + key, floats)));
    assertRefused("more than 268435456 bytes of memory", legacy(much + "}", much + key, floats));
  }

  @Test
  void olderFilesThatDisagreeAreRefused() throws WeightsException {
    String key = "](" + PickleText.text("0") + "e";
    String floats = PickleText.little(4, 8) + "\0".repeat(16);
    byte[] whole = legacy(key, floats);
    assertEquals(Set.of("w"), read(whole));
    for (int length = 1; length < whole.length; length++) {
      assertRefused("", Arrays.copyOf(whole, length));
    }
    assertRefused("1 bytes follow its end", legacy(key, floats + "\0"));
    assertRefused("follow its end; it may hold more than one", joined(whole, whole));
    assertRefused("does not list its storage 0", legacy("]", ""));
    assertRefused("does not list its storages", legacy("}", ""));
    assertRefused(
        "lists storage 1, which no tensor is in",
        legacy("](" + PickleText.text("1") + "e", floats));
    assertRefused("lists storage a list of 0, which", legacy("](]e", floats));
    String twice = "](" + PickleText.text("0") + PickleText.text("0") + "e";
    assertRefused("lists storage 0, which it lists twice", legacy(twice, floats + floats));
    for (long count : new long[] {3, 5, -1, 0, Long.MAX_VALUE, Long.MIN_VALUE}) {
      assertRefused(
          "has " + count + " elements, its pickle says 16 bytes",
          legacy(key, PickleText.little(count, 8) + "\0".repeat(16)));
    }
    byte[] other = whole.clone();
    other[4]++; // of the magic number
    assertRefused("is a pickle, but none of torch.save", other);
    other = whole.clone();
    other[18]++; // of the version
    assertRefused("its format is", other);
  }

  /** A view of a storage, as files of PyTorch 0.3 have it, within it and not. */
  @Test
  void viewsOfStoragesAreRead() throws WeightsException {
    for (long[] view :
        new long[][] {{1, 2}, {0, 4}, {4, 0}, {3, 2}, {-1, 2}, {Long.MAX_VALUE, 4}}) {
      String storage =
          PickleText.tuple(
                  PickleText.text("storage"),
                  PickleText.global("torch", "FloatStorage"),
                  PickleText.text("0"),
                  PickleText.text("cpu"),
                  number(4),
                  PickleText.tuple(PickleText.text("v"), number(view[0]), number(view[1])))
              + "Q";
      String tensor =
          PickleText.tensor(
              storage, number(0), PickleText.tuple(number(view[1])), PickleText.tuple(number(1)));
      byte[] file = ZipBytes.checkpoint(beside(tensor)).bytes();
      if (view[0] >= 0 && view[0] + view[1] <= 4 && view[0] < 5) {
        try (Arena arena = Arena.ofConfined()) {
          TorchFile read =
              TorchFile.parse(PATH, MemorySegment.ofArray(file), arena, Optional.empty());
          var floats = read.entry("x").data().asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
          for (int i = 0; i < view[1]; i++) {
            assertEquals(view[0] + i + 1, floats.getFloat(4 * i));
          }
        }
      } else {
        assertRefused("storage 0", file);
      }
    }
  }

  /** What a user sees: the file's name, one line, and no folder or file left behind. */
  @Test
  void aFileOnDiskIsClosedWhenItIsRefused() throws IOException {
    Path file = Files.createTempFile("evil", ".pt");
    try {
      Files.write(file, ZipBytes.checkpoint(beside(PickleText.global("os", "system"))).bytes());
      WeightsException e = assertThrows(WeightsException.class, () -> StateDict.open(file));
      assertTrue(e.getMessage().startsWith(file + ": pickle, byte "), e.getMessage());
    } finally {
      Files.delete(file);
    }
  }
}
