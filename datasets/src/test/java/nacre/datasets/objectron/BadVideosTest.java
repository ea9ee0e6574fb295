package nacre.datasets.objectron;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import nacre.datasets.MemoryRecord;
import nacre.datasets.tfrecord.OpenFiles;
import nacre.datasets.tfrecord.RecordException;
import nacre.datasets.tfrecord.RecordFile;
import nacre.datasets.tfrecord.Records;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.scene.Scene;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged records, each of which is refused in one line that says where it lies. */
class BadVideosTest {
  private static final int MUTATIONS = 1_000_000;

  @TempDir Path folder;

  private byte[] video;

  @BeforeEach
  void read() throws IOException {
    RecordFile file =
        new RecordFile(ObjectronTest.resource(ObjectronTest.VIDEOS), OpenFiles.shared());
    ByteBuffer payload = file.payload(file.places().getFirst());
    video = new byte[payload.remaining()];
    payload.get(video);
  }

  private Path write(byte[]... payloads) throws IOException {
    Records records = new Records();
    for (byte[] payload : payloads) {
      records.add(payload);
    }
    return Files.write(folder.resolve("chair_train-00000-of-00001"), records.bytes());
  }

  private int find(byte[] bytes) {
    for (int i = 0; i + bytes.length <= video.length; i++) {
      if (Arrays.equals(video, i, i + bytes.length, bytes, 0, bytes.length)) {
        return i;
      }
    }
    throw new AssertionError("not in the record");
  }

  private int find(String text) {
    return find(text.getBytes(StandardCharsets.UTF_8));
  }

  private String refusal() throws IOException {
    Path file = write(video);
    IOException e =
        assertThrows(RecordException.class, () -> ObjectronTest.open(file.toString()).scene(0));
    String told = e.getMessage();
    assertFalse(told.contains("\n"), told);
    String place = file + ": record 0 at byte 0";
    assertTrue(told.startsWith(place), told);
    return told.substring(place.length());
  }

  private void rename(String feature) {
    video[find(feature) + feature.length() - 1] = 'X';
  }

  @Test
  void missingFeaturesAreNamed() throws IOException {
    rename("camera/view");
    assertEquals(", frame 0: camera/view is missing", refusal());
  }

  @Test
  void aVideoWithoutPicturesIsRefused() throws IOException {
    rename("image/encoded");
    assertEquals(": image/encoded is missing", refusal());
  }

  @Test
  void pointsMustBeThoseOfTheObjects() throws IOException {
    // instance_num of frame 0, packed: 2 objects become 3.
    video[value("instance_num", 2)] = 3;
    assertEquals(": point_3d[0] has 54 values; 3 objects of 9 points have 81", refusal());
  }

  @Test
  void boxesHaveNinePoints() throws IOException {
    video[value("point_num", 9)] = 8;
    assertEquals(": point_num[0] has an object of 8 points; a box has 9", refusal());
  }

  /** The place of the first byte of a value in the list of a feature, whose key comes first. */
  private int value(String feature, int value) {
    int at = find(feature) + feature.length();
    for (int i = at; i < at + 40; i++) {
      if (video[i] == value && video[i - 2] == 0x0A && video[i - 4] == 0x1A) {
        return i;
      }
    }
    for (int i = at; i < at + 40; i++) {
      if (video[i] == value && video[i - 1] == 2 && video[i - 2] == 0x0A) {
        return i;
      }
    }
    throw new AssertionError(feature + " is not where it was thought to be");
  }

  @Test
  void featuresOfAnotherTypeAreNamed() throws IOException {
    int at = find("camera/projection") + "camera/projection".length();
    while (video[at] != 0x12 || video[at + 2] != 0x0A) { // a list of floats, packed
      at++;
    }
    video[at] = 0x1A;
    assertEquals(": camera/projection[0] holds integers instead of floats", refusal());
  }

  @Test
  void aDamagedPictureIsToldWhenItIsDrawn() throws IOException {
    video[find("IDAT") + 10] ^= 1;
    Path file = write(video);
    Scene scene = ObjectronTest.open(file.toString()).scene(0);
    scene.frames().get(1).rgb();
    UncheckedIOException e =
        assertThrows(UncheckedIOException.class, () -> scene.frames().getFirst().rgb());
    String place = file + ": record 0 at byte 0: image/encoded[0]: ";
    assertTrue(e.getMessage().startsWith(place), e.getMessage());
  }

  @Test
  void aPictureBombIsRefusedByItsHeader() throws IOException {
    int header = find("IHDR");
    ByteBuffer.wrap(video).putInt(header + 4, 65_535).putInt(header + 8, 65_535);
    Scene scene = ObjectronTest.open(write(video).toString()).scene(0);
    UncheckedIOException e =
        assertThrows(UncheckedIOException.class, () -> scene.frames().getFirst().rgb());
    assertTrue(e.getMessage().contains("65535×65535"), e.getMessage());
  }

  @Test
  void otherRecordsAreReadBesideADamagedOne() throws IOException {
    byte[] whole = video.clone();
    Path file = write(whole, whole, whole);
    byte[] bytes = Files.readAllBytes(file);
    bytes[whole.length + 16 + 500] ^= 1;
    Files.write(file, bytes);
    ClipSource source = ObjectronTest.open(file.toString());
    assertEquals(3, source.size());
    source.scene(0);
    source.scene(2);
    IOException e = assertThrows(RecordException.class, () -> source.scene(1));
    assertTrue(
        e.getMessage().startsWith(file + ": record 1 at byte " + (whole.length + 16) + ": "),
        e.getMessage());
  }

  @Test
  void aMillionMutatedRecordsAreReadOrRefused() throws IOException {
    SplittableRandom random = new SplittableRandom(11);
    byte[] intact = video;
    int read = 0;
    int refused = 0;
    byte[] mutated = intact.clone();
    for (int i = 0; i < MUTATIONS; i++) {
      int changes = 1 + random.nextInt(3);
      int[] places = new int[changes];
      for (int k = 0; k < changes; k++) {
        places[k] = random.nextInt(intact.length);
        mutated[places[k]] = (byte) random.nextInt(256);
      }
      boolean isCut = random.nextInt(8) == 0;
      byte[] payload = isCut ? Arrays.copyOf(mutated, random.nextInt(intact.length)) : mutated;
      try {
        Scene scene = VideoRecord.read(new MemoryRecord(payload, ObjectronClips.LAYOUT)).scene();
        assertTrue(scene.frames().size() <= 6);
        scene.frames().getLast().views();
        read++;
      } catch (RecordException e) {
        assertTrue(e.getMessage().startsWith("here"), e.getMessage());
        refused++;
      }
      for (int place : places) {
        mutated[place] = intact[place];
      }
    }
    assertEquals(MUTATIONS, read + refused);
    assertTrue(read > MUTATIONS / 10 && refused > MUTATIONS / 10, read + " read");
  }
}
