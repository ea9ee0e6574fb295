package nacre.datasets.tfrecord;

import static nacre.datasets.tfrecord.Records.entry;
import static nacre.datasets.tfrecord.Records.example;
import static nacre.datasets.tfrecord.Records.field;
import static nacre.datasets.tfrecord.Records.floats;
import static nacre.datasets.tfrecord.Records.join;
import static nacre.datasets.tfrecord.Records.strings;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShardTest {
  private static final ExampleLayout LAYOUT =
      new ExampleLayout("test-1", Set.of("pose", "word"), Set.of("video"), "video");

  @TempDir Path root;

  private Path file;

  @BeforeEach
  void name() {
    file = root.resolve("some.tfrecord-00000-of-00001");
  }

  private static byte[] video(int seed) {
    byte[] flow = new byte[5000];
    Arrays.fill(flow, (byte) seed);
    return example(
        entry("flow", field(3, field(1, flow))),
        entry("video", strings(bytes("a" + seed), bytes("b" + seed))),
        entry("pose", floats(seed, 2)));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private void write(byte[] bytes) throws IOException {
    Files.write(file, bytes);
  }

  private Shard shard() {
    return new Shard(file, LAYOUT);
  }

  private Path index() {
    return root.resolve(file.getFileName() + ".nacre-index");
  }

  private static String fault(org.junit.jupiter.api.function.Executable read) {
    return assertThrows(RecordException.class, read).getMessage();
  }

  @Test
  void theChecksumIsThatOfTensorFlow() {
    // The header of a record of 8 bytes, from a file that TensorFlow wrote; and the check value.
    assertEquals(
        Integer.rotateRight(0xE3069283, 15) + 0xA282EAD8,
        RecordFile.crc(ByteBuffer.wrap(bytes("123456789"))));
  }

  @Test
  void partsAreReadSingly() throws IOException {
    write(new Records().add(video(1)).add(video(2)).bytes());
    Shard shard = shard();
    assertEquals(2, shard.records());
    assertFalse(Files.exists(index()), "counting reads the framing alone");
    Shard.Parts second = shard.record(1);
    assertEquals(2, second.entry().frames());
    assertArrayEquals(bytes("b2"), second.read("video", 1));
    assertArrayEquals(new float[] {2, 2}, new Feature("pose", second.read("pose", 0), "").floats());
    assertEquals(file + ": record 1 at byte " + (video(1).length + 16), second.where());
    assertEquals(second.where() + ": has no word", fault(() -> second.read("word", 0)));
    assertEquals(second.where() + ": has 2 of video, not 3", fault(() -> second.read("video", 2)));
    assertEquals(RecordFile.crc(ByteBuffer.wrap(video(2))), second.entry().crc());
  }

  @Test
  void theIndexIsKeptAndReadAgain() throws IOException {
    write(new Records().add(video(1)).add(video(2)).bytes());
    ShardIndex made = shard().index();
    byte[] kept = Files.readAllBytes(index());
    FileTime time = Files.getLastModifiedTime(index());
    Shard again = shard();
    assertEquals(2, again.records());
    assertEquals(made, again.index());
    assertEquals(time, Files.getLastModifiedTime(index()));

    for (int at = 0; at < kept.length; at += 7) {
      byte[] damaged = kept.clone();
      damaged[at] ^= 4;
      Files.write(index(), damaged);
      assertEquals(made, shard().index());
    }
    Files.write(index(), Arrays.copyOf(kept, 40));
    assertEquals(made, shard().index());
    assertArrayEquals(kept, Files.readAllBytes(index()), "it was written anew");
    assertEquals(
        Set.of("pose"),
        new Shard(file, new ExampleLayout("test-2", Set.of("pose"), Set.of(), "video"))
            .index()
            .entries()
            .getFirst()
            .parts()
            .keySet());
  }

  @Test
  void anIndexThatIsOlderThanItsShardIsMadeAnew() throws IOException {
    write(new Records().add(video(1)).bytes());
    ShardIndex before = shard().index();
    FileTime time = Files.getLastModifiedTime(file);
    write(new Records().add(video(3)).bytes());
    Files.setLastModifiedTime(file, FileTime.fromMillis(time.toMillis() + 1));
    assertNotEquals(before, shard().index());
    assertArrayEquals(bytes("a3"), shard().record(0).read("video", 0));
    write(new Records().add(video(3)).add(video(4)).bytes());
    Files.setLastModifiedTime(file, FileTime.fromMillis(time.toMillis() + 1));
    assertEquals(2, shard().records());
  }

  @Test
  void bytesThatChangeUnderTheIndexAreNoticed() throws IOException {
    byte[] bytes = new Records().add(video(1)).bytes();
    write(bytes);
    FileTime time = Files.getLastModifiedTime(file);
    Shard shard = shard();
    ShardIndex index = shard.index();
    Span span = index.entries().getFirst().parts().get("video").get(1);
    bytes[(int) span.offset()] ^= 1;
    write(bytes);
    Files.setLastModifiedTime(file, time);
    String told = fault(() -> shard.record(0).read("video", 1));
    assertTrue(
        told.startsWith(file + ": record 0 at byte 0: video[1]: the 2 bytes at " + span.offset()),
        told);
    Files.write(file, Arrays.copyOf(bytes, 30));
    IOException cut = assertThrows(IOException.class, () -> shard.record(0).read("video", 1));
    assertEquals(file + ": ends at byte " + span.offset() + ", while it is read", cut.getMessage());
  }

  @Test
  void wrongBytesDamageOneRecord() throws IOException {
    byte[] bytes = new Records().add(video(1)).add(video(2)).add(video(3)).bytes();
    int length = video(1).length + 16;
    bytes[length + 100] ^= 1;
    write(bytes);
    for (int round = 0; round < 2; round++) { // made, and read again
      Shard shard = shard();
      assertEquals(3, shard.records());
      shard.record(0);
      shard.record(2);
      assertEquals(
          file + ": record 1 at byte " + length + ": its checksum is wrong, the record is damaged",
          fault(() -> shard.record(1)));
    }
  }

  @Test
  void framingThatIsDamagedEndsTheShard() throws IOException {
    byte[] good = new Records().add(video(1)).bytes();
    int n = good.length;
    byte[] cut = Arrays.copyOf(new Records().add(video(1)).add(video(2)).bytes(), 2 * n - 9);
    write(cut);
    Shard shard = shard();
    assertEquals(2, shard.records());
    shard.record(0);
    assertEquals(
        file
            + ": record 1 at byte "
            + n
            + ": it claims "
            + (n - 16)
            + " bytes, the file has "
            + (n - 25)
            + " left: it is cut short or damaged",
        fault(() -> shard.record(1)));

    write(join(good, new Records().add(video(2), 1L << 60).bytes()));
    assertEquals(
        file
            + ": record 1 at byte "
            + n
            + ": it claims 1152921504606846976 bytes, the file has "
            + (n - 16)
            + " left: it is cut short or damaged",
        fault(() -> shard().record(1)));
    write(join(good, new Records().add(video(2), -1).bytes()));
    assertTrue(fault(() -> shard().record(1)).contains("it claims 18446744073709551615 bytes"));

    byte[] header = new Records().add(video(1)).add(video(2)).bytes();
    header[n + 2] ^= 1;
    write(header);
    assertEquals(
        file + ": record 1 at byte " + n + ": the checksum of its length is wrong",
        fault(() -> shard().record(1)));

    write(join(good, bytes("garbage")));
    assertEquals(
        file + ": record 1 at byte " + n + ": only 7 bytes are left, too few for a record",
        fault(() -> shard().record(1)));
    write(new byte[0]);
    assertEquals(0, shard().records());
  }

  @Test
  void aRecordOfAnotherKindIsNamed() throws IOException {
    write(new Records().add(bytes("no protobuf at all")).add(new byte[0]).bytes());
    Shard shard = shard();
    String told = fault(() -> shard.record(0));
    assertTrue(
        told.startsWith(file + ": record 0 at byte 0: is no tf.train.Example, or damaged: "), told);
    Shard.Parts empty = shard.record(1);
    assertTrue(fault(() -> empty.read("video", 0)).endsWith(": has no video"));
    Files.delete(file);
    assertEquals(
        file + ": is missing",
        assertThrows(IOException.class, () -> shard().records()).getMessage());
  }

  @Test
  void entriesMayStandInAnyOrderAndTwice() throws IOException {
    byte[] swapped =
        field(1, field(2, floats(7)), field(1, bytes("pose"))); // the value before its key
    byte[] list = field(1, field(1, strings(bytes("f0"))), field(2, bytes("dropped")));
    byte[] sequence =
        join(
            field(2, field(1, field(1, bytes("video")), field(2, videoList()))),
            example(entry("pose", floats(1)), swapped),
            field(9, list));
    write(new Records().add(sequence).bytes());
    Shard.Parts record = shard().record(0);
    assertArrayEquals(new float[] {7}, new Feature("", record.read("pose", 0), "").floats());
    assertEquals(3, record.entry().frames());
    assertArrayEquals(bytes("f2"), record.read("video", 2));
    assertEquals(0, record.read("video", 1).length);
  }

  private static byte[] videoList() {
    return join(
        field(1, strings(bytes("f0"))), field(1, strings()), field(1, strings(bytes("f2"))));
  }

  @Test
  void fewFilesStayOpenWhileManyThreadsRead() throws IOException {
    OpenFiles files = new OpenFiles(3);
    byte[] all = new byte[64];
    for (int i = 0; i < 12; i++) {
      Arrays.fill(all, (byte) i);
      Files.write(root.resolve("f" + i), all);
    }
    IntStream.range(0, 4000)
        .parallel()
        .forEach(
            k -> {
              ByteBuffer got = ByteBuffer.allocate(8);
              try {
                files.read(root.resolve("f" + k % 12), k % 50, got);
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
              assertEquals(k % 12, got.get(7));
            });
    assertEquals(3, files.count());
    assertEquals(
        List.of(root.resolve("none") + ": is missing"),
        List.of(
            assertThrows(
                    IOException.class,
                    () -> files.read(root.resolve("none"), 0, ByteBuffer.allocate(1)))
                .getMessage()));
  }
}
