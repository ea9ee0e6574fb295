package nacre.datasets.movi;

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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import nacre.datasets.MemoryRecord;
import nacre.datasets.tfrecord.OpenFiles;
import nacre.datasets.tfrecord.RecordException;
import nacre.datasets.tfrecord.RecordFile;
import nacre.datasets.tfrecord.Records;
import nacre.neuralassets.data.BadData;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.scene.Scene;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged records, each of which is refused in one line that says where it lies. */
class BadMoviTest {
  private static final int MUTATIONS = 1_000_000;

  @TempDir Path folder;

  private byte[] payload;

  @BeforeEach
  void read() throws IOException {
    RecordFile file = new RecordFile(MoviTest.resource(MoviTest.TRAIN), OpenFiles.shared());
    ByteBuffer bytes = file.payload(file.places().getFirst());
    payload = new byte[bytes.remaining()];
    bytes.get(payload);
  }

  private Path write(byte[]... payloads) throws IOException {
    Records records = new Records();
    for (byte[] each : payloads) {
      records.add(each);
    }
    return Files.write(folder.resolve(MoviTest.TRAIN), records.bytes());
  }

  private int find(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i + bytes.length <= payload.length; i++) {
      if (Arrays.equals(payload, i, i + bytes.length, bytes, 0, bytes.length)) {
        return i;
      }
    }
    throw new AssertionError(text + " is not in the record");
  }

  /** Replaces a feature, whichever of its two fields comes first. */
  private byte[] with(String name, byte[] feature) {
    rename(name);
    return Records.join(payload, Records.example(Records.entry(name, feature)));
  }

  private void rename(String name) {
    payload[find(name) + name.length() - 1] ^= 1;
  }

  private String refusal(byte[] bytes) throws IOException {
    Path file = write(bytes);
    ClipSource source = MoviTest.open("movi-e:" + file);
    assertEquals(1, source.size());
    String told = assertThrows(RecordException.class, () -> source.scene(0)).getMessage();
    assertFalse(told.contains("\n"), told);
    String place = file + ": record 0 at byte 0: ";
    assertTrue(told.startsWith(place), told);
    return told.substring(place.length());
  }

  @Test
  void missingFeaturesAreNamed() throws IOException {
    rename("instances/bboxes_3d");
    assertEquals("has no instances/bboxes_3d", refusal(payload));
  }

  @Test
  void featuresOfAnotherTypeAreNamed() throws IOException {
    assertEquals(
        "camera/positions holds integers instead of floats",
        refusal(with("camera/positions", Records.ints(1, 2, 3))));
  }

  @Test
  void boxesMustBeThoseOfTheObjects() throws IOException {
    assertEquals(
        "instances/bboxes_3d has 2 values instead of 432",
        refusal(with("instances/bboxes_3d", Records.floats(1, 2))));
  }

  @Test
  void raggedRowsMustAddUp() throws IOException {
    String name = "instances/bboxes/ragged_row_lengths_0";
    assertEquals(
        name + " adds up to 17 elements of 4, but there are 72 values",
        refusal(with(name, Records.ints(6, 6, 5))));
  }

  @Test
  void everyFrameHasASegmentation() throws IOException {
    assertEquals(
        "has 6 pictures in video and 1 in segmentations",
        refusal(with("segmentations", Records.strings(new byte[4]))));
  }

  @Test
  void sizesAreBounded() throws IOException {
    assertEquals(
        "metadata/width is 65535, must be from 1 to 8192",
        refusal(with("metadata/width", Records.ints(65_535))));
  }

  @Test
  void aPictureBombIsRefusedByItsHeader() throws IOException {
    int header = find("IHDR");
    ByteBuffer.wrap(payload).putInt(header + 4, 65_535).putInt(header + 8, 65_535);
    Path file = write(payload);
    Scene scene = MoviTest.open(file.toString()).scene(0);
    List<String> told = new ArrayList<>();
    scene
        .frames()
        .forEach(
            frame -> {
              try {
                frame.rgb();
                frame.segmentation();
              } catch (UncheckedIOException e) {
                told.add(e.getMessage());
              }
            });
    assertEquals(1, told.size());
    assertTrue(told.getFirst().startsWith(file + ": record 0 at byte 0: "), told.getFirst());
    assertTrue(told.getFirst().endsWith("is 65535×65535 pixels instead of 32×32"), told.getFirst());
  }

  @Test
  void badRecordsAreLeftOutAndCounted() throws IOException {
    byte[] whole = payload.clone();
    rename("camera/positions");
    Path file = write(whole, payload, whole);
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 100)); // the last is cut short
    ClipSource source = MoviTest.open("movi-e:" + file);
    assertEquals(3, source.size());
    List<String> told = new ArrayList<>();
    BadData bad = BadData.skipped(told::add);
    for (int i = 0; i < 3; i++) {
      try {
        source.scene(i);
      } catch (IOException e) {
        bad.met(source.name(i), e);
      }
    }
    assertEquals(2, bad.count());
    assertEquals(
        file + ": record 1 at byte " + (whole.length + 16) + ": has no camera/positions",
        told.get(0));
    assertTrue(
        told.get(1).startsWith(file + ": record 2 at byte " + 2 * (whole.length + 16) + ": "),
        told.get(1));
  }

  @Test
  void aMillionMutatedRecordsAreReadOrRefused() throws IOException {
    SplittableRandom random = new SplittableRandom(12);
    byte[] intact = payload;
    byte[] mutated = intact.clone();
    int read = 0;
    int refused = 0;
    for (int i = 0; i < MUTATIONS; i++) {
      int[] places = new int[1 + random.nextInt(3)];
      for (int k = 0; k < places.length; k++) {
        places[k] = random.nextInt(intact.length);
        mutated[places[k]] = (byte) random.nextInt(256);
      }
      boolean isCut = random.nextInt(8) == 0;
      byte[] bytes = isCut ? Arrays.copyOf(mutated, random.nextInt(intact.length)) : mutated;
      try {
        Scene scene = MoviRecord.read(new MemoryRecord(bytes, MoviRecord.LAYOUT));
        assertTrue(scene.entities().size() <= 255);
        read++;
      } catch (RecordException e) {
        assertTrue(e.getMessage().startsWith("here: "), e.getMessage());
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
