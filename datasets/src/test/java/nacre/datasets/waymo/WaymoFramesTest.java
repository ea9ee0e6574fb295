package nacre.datasets.waymo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import nacre.datasets.tfrecord.RecordException;
import nacre.datasets.tfrecord.RecordFile;
import nacre.datasets.waymo.WaymoMessages.Context;
import nacre.datasets.waymo.WaymoMessages.Labels;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.scene.Scene;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Version 1 of Waymo Open: the made-up drive as TFRecords of frames. */
class WaymoFramesTest {
  @TempDir Path folder;

  private Path copy() throws IOException {
    return Files.copy(MadeUpDrive.resource("frames.tfrecord"), folder.resolve("drive.tfrecord"));
  }

  @Test
  void packedAndUnpackedFramesAreRead() throws IOException {
    Path file = copy();
    ClipSource source = MadeUpDrive.open(folder.toString());
    assertEquals(1, source.size());
    assertEquals(file.toString(), source.name(0));
    assertEquals("drive", source.id(0));
    MadeUpDrive.check(source.scene(0), 1e-6);
    MadeUpDrive.check(MadeUpDrive.open(file.toString()).scene(0), 1e-6);
  }

  @Test
  void picturesAreThoseOfVersion2() throws IOException {
    copy();
    Scene frames = MadeUpDrive.open("waymo:" + folder).scene(0);
    Scene tables = MadeUpDrive.open("waymo:" + MadeUpDrive.resource("published")).scene(0);
    assertEquals(tables.entities(), frames.entities());
    for (int t = 0; t < tables.frames().size(); t++) {
      assertArrayEquals(tables.frames().get(t).rgb(), frames.frames().get(t).rgb(), "frame " + t);
    }
  }

  @Test
  void lidarDataAndOtherCamerasAreNotKept() throws IOException {
    byte[] bytes = Files.readAllBytes(copy());
    ByteBuffer payload = ByteBuffer.wrap(bytes, 12, length(bytes)).slice();
    var parts = FrameLayout.LAYOUT.describe(payload, "here").parts();
    int kept =
        parts.values().stream()
            .flatMap(java.util.List::stream)
            .mapToInt(part -> part.length())
            .sum();
    assertEquals(1, parts.get(FrameLayout.LABELS).size(), "labels lie together");
    assertTrue(kept < payload.remaining() - 1024 - 4 * 500, kept + " of " + payload.remaining());
    assertEquals((byte) 0xFF, payload.get(parts.get(FrameLayout.PICTURE).getFirst().offset()));
  }

  private static int length(byte[] file) {
    return (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
  }

  @Test
  void damageIsNamedWithFileRecordAndOffset() throws IOException {
    Path file = copy();
    byte[] good = Files.readAllBytes(file);
    int second = length(good) + 16;
    byte[] wrong = good.clone();
    wrong[second + 200] ^= 1;
    assertEquals(
        file + ": record 1 at byte " + second + ": its checksum is wrong, the record is damaged",
        failure(file, wrong));
    String cut = failure(file, java.util.Arrays.copyOf(good, good.length - 100));
    assertTrue(cut.startsWith(file + ": record 5 at byte "), cut);
    byte[] huge = good.clone();
    ByteBuffer.wrap(huge).order(ByteOrder.LITTLE_ENDIAN).putLong(second, 1L << 60);
    assertEquals(
        file + ": record 1 at byte " + second + ": the checksum of its length is wrong",
        failure(file, huge));
    assertEquals(file + ": holds no records", failure(file, new byte[0]));
  }

  @Test
  void recordsWithoutWhatIsNeededAreRefused() throws IOException {
    byte[] good = Files.readAllBytes(copy());
    Path file = folder.resolve("drive.tfrecord");
    // The field of pictures becomes one that nobody knows.
    byte[] payload = java.util.Arrays.copyOfRange(good, 12, 12 + length(good));
    int[] pictures = {0};
    for (int i = 0; i + 2 < payload.length; i++) {
      if (payload[i] == 0x22 && payload[i + 3] == 8 && payload[i + 4] <= 5) {
        payload[i] = 0x7A;
        pictures[0]++;
      }
    }
    assertTrue(pictures[0] >= 5, pictures[0] + " pictures");
    assertEquals(
        file + ": record 0 at byte 0: has no picture of the FRONT camera",
        failure(file, record(payload)));
    assertEquals(
        file + ": record 0 at byte 0: has no context", failure(file, record(new byte[] {16, 5})));
  }

  private static byte[] record(byte[] payload) {
    ByteBuffer out = ByteBuffer.allocate(payload.length + 16).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(payload.length);
    out.putInt(RecordFile.crc(out.duplicate().flip()));
    out.put(payload).putInt(RecordFile.crc(ByteBuffer.wrap(payload)));
    return out.array();
  }

  private static String failure(Path file, byte[] bytes) throws IOException {
    Files.write(file, bytes);
    return assertThrows(IOException.class, () -> MadeUpDrive.open("waymo:" + file).scene(0))
        .getMessage();
  }

  @Test
  void otherRecordsAreNoFrames() throws IOException {
    Files.write(folder.resolve("x.tfrecord"), record(new byte[] {10, 2, 8, 1}));
    assertFalse(new WaymoProvider().recognizes(folder));
    assertFalse(new WaymoProvider().recognizes(folder.resolve("x.tfrecord")));
  }

  /** Whatever bytes are wrong, the places that are found lie in the record, or it is refused. */
  @Test
  void mutatedFramesAreDescribedOrRefused() throws IOException {
    byte[] file = Files.readAllBytes(copy());
    byte[] good = java.util.Arrays.copyOfRange(file, 12, 12 + length(file));
    Random random = new Random(11);
    int count = 10 * Integer.getInteger("nacre.fuzz", 1000);
    int refused = 0;
    for (int n = 0; n < count; n++) {
      byte[] bytes = good.clone();
      for (int k = random.nextInt(5); k >= 0; k--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      try {
        ByteBuffer payload = ByteBuffer.wrap(bytes);
        var parts = FrameLayout.LAYOUT.describe(payload, "here").parts();
        for (var runs : parts.values()) {
          for (var part : runs) {
            assertTrue(part.offset() >= 0 && part.length() >= 0);
            assertTrue(part.offset() + part.length() <= bytes.length);
          }
        }
        if (parts.containsKey(FrameLayout.CONTEXT)) {
          var context = parts.get(FrameLayout.CONTEXT).getFirst();
          Context.parseFrom(payload.slice(context.offset(), context.length()));
        }
        for (var run : parts.get(FrameLayout.LABELS)) {
          Labels.parseFrom(payload.slice(run.offset(), run.length()));
        }
      } catch (RecordException | com.google.protobuf.InvalidProtocolBufferException e) {
        refused++;
      }
    }
    assertTrue(refused > count / 50, refused + " refused");
  }
}
