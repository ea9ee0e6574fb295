package nacre.datasets.parquet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Columns of the made-up drive: Brotli, Snappy and plain pages, several row groups. */
class ParquetFileTest {
  private static final String TIME = "key.frame_timestamp_micros";

  @TempDir Path folder;

  private static Path file(String kind, String table) {
    try {
      String name = "/nacre/datasets/waymo/" + kind + "/" + table;
      return Path.of(ParquetFileTest.class.getResource(name).toURI())
          .resolve("made_up_0000_000_0020_000.parquet");
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void columnsOfEitherCodecAreTheSame() throws IOException {
    try (ParquetFile brotli = ParquetFile.open(file("published", "lidar_box"));
        ParquetFile snappy = ParquetFile.open(file("plain", "lidar_box"))) {
      assertEquals(4, brotli.rowGroups());
      assertEquals(12, brotli.rows(0));
      assertTrue(brotli.has("index"));
      assertFalse(snappy.has("index"));
      long[] times = brotli.longs(TIME);
      assertEquals(48, times.length);
      assertEquals(1_543_000_000_000_000L, times[0]);
      assertEquals(1_543_000_000_500_000L, times[47]);
      assertArrayEquals(times, snappy.longs(TIME));
      String center = "[LiDARBoxComponent].box.center.x";
      assertEquals(13, brotli.doubles(center)[0], 1e-9);
      assertArrayEquals(brotli.doubles(center), snappy.doubles(center));
      List<String> ids = brotli.texts("key.laser_object_id");
      assertEquals(List.of("parked", "ahead", "truck", "hidden"), ids.subList(0, 4));
      assertEquals(ids, snappy.texts("key.laser_object_id"));
    }
  }

  @Test
  void rowsOfOneRowGroupAreRead() throws IOException {
    try (ParquetFile images = ParquetFile.open(file("published", "camera_image"))) {
      BitSet rows = new BitSet();
      rows.set(1);
      rows.set(4);
      List<byte[]> all = images.bytes("[CameraImageComponent].image", 1, everyRow(12));
      List<byte[]> some = images.bytes("[CameraImageComponent].image", 1, rows);
      assertEquals(2, some.size());
      assertArrayEquals(all.get(1), some.get(0));
      assertArrayEquals(all.get(4), some.get(1));
    }
  }

  private static BitSet everyRow(int count) {
    BitSet rows = new BitSet();
    rows.set(0, count);
    return rows;
  }

  @Test
  void errorsNameFileAndColumn() throws IOException {
    Path path = file("published", "camera_image");
    try (ParquetFile images = ParquetFile.open(path)) {
      assertEquals(path + ": has no column key.time", message(() -> images.longs("key.time")));
      assertEquals(
          path + ": column [CameraImageComponent].image: is of type BYTE_ARRAY, not whole numbers",
          message(() -> images.longs("[CameraImageComponent].image")));
      assertEquals(
          path + ": column " + TIME + ": is of type INT64, not lists",
          message(() -> images.vectors(TIME, 16)));
      assertEquals(
          path
              + ": column [CameraImageComponent].pose.transform: has 16 numbers in row 0 instead of"
              + " 9",
          message(() -> images.vectors("[CameraImageComponent].pose.transform", 9)));
    }
    try (ParquetFile boxes = ParquetFile.open(file("published", "lidar_box"))) {
      assertTrue(
          message(() -> boxes.longs("[LiDARBoxComponent].difficulty_level.detection"))
              .endsWith(": has rows without a value"));
    }
    assertEquals(folder + ": is not a regular file", message(() -> ParquetFile.open(folder)));
  }

  private interface Reading {
    void read() throws IOException;
  }

  private static String message(Reading reading) {
    return assertThrows(IOException.class, reading::read).getMessage();
  }

  /** Whatever bytes are wrong, the file is read or refused in one line, in time. */
  @ParameterizedTest
  @ValueSource(strings = {"published", "plain"})
  void mutatedFilesAreReadOrRefused(String kind) throws IOException {
    int count = Integer.getInteger("nacre.fuzz", 100);
    Random random = new Random(7);
    int refused = 0;
    for (String table : new String[] {"lidar_box", "vehicle_pose", "camera_image"}) {
      byte[] good = Files.readAllBytes(file(kind, table));
      Path path = folder.resolve(kind + table);
      for (int n = 0; n < count; n++) {
        byte[] bytes = good.clone();
        // Most in the footer, which says where everything is.
        int from = random.nextInt(3) > 0 ? bytes.length * 2 / 3 : 0;
        for (int k = random.nextInt(4); k >= 0; k--) {
          bytes[from + random.nextInt(bytes.length - from)] = (byte) random.nextInt(256);
        }
        Files.write(path, bytes);
        String problem =
            assertTimeoutPreemptively(Duration.ofSeconds(20), () -> problem(path, table));
        if (problem != null) {
          refused++;
          assertTrue(problem.startsWith(path.toString()), problem);
          assertEquals(1, problem.lines().count(), problem);
        }
      }
    }
    assertTrue(refused > count / 2, refused + " refused");
  }

  private static String problem(Path path, String table) {
    try (ParquetFile file = ParquetFile.open(path)) {
      file.longs(TIME);
      switch (table) {
        case "lidar_box" -> {
          file.texts("key.laser_object_id");
          file.doubles("[LiDARBoxComponent].box.heading");
        }
        case "vehicle_pose" ->
            file.vectors("[VehiclePoseComponent].world_from_vehicle.transform", 16);
        default -> {
          for (int g = 0; g < file.rowGroups(); g++) {
            file.bytes("[CameraImageComponent].image", g, everyRow(12));
          }
        }
      }
      return null;
    } catch (IOException e) {
      return e.getMessage();
    }
  }
}
