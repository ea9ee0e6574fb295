package nacre.datasets.waymo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import nacre.datasets.parquet.ParquetFile;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.scene.PngFile;
import nacre.neuralassets.scene.Scene;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Version 2 of Waymo Open, published and as in Waymo's own tests. */
class WaymoTablesTest {
  private static final String FILE = "made_up_0000_000_0020_000.parquet";

  @TempDir Path folder;

  @Test
  void whatIsPublishedIsRead() throws IOException {
    ClipSource source = MadeUpDrive.open(MadeUpDrive.resource("published").toString());
    assertEquals(1, source.size());
    assertEquals("made_up_0000_000_0020_000", source.id(0));
    Scene scene = source.scene(0);
    MadeUpDrive.check(scene, 1e-6);
    assertEquals(List.of("parked", "ahead", "truck", "passed"), scene.names());
    assertFalse(scene.entities().get(0).isDynamic(), "it only seems to move");
    assertTrue(scene.entities().get(1).isDynamic());
    assertFalse(scene.isDecoded());
  }

  @Test
  void textsForCamerasFloatsAndNoProjectedBoxesAreRead() throws IOException {
    Path root = MadeUpDrive.resource("plain");
    MadeUpDrive.check(MadeUpDrive.open("waymo:" + root).scene(0), 1e-3);
  }

  @Test
  void everyPictureIsItsOwn() throws Exception {
    Scene scene = MadeUpDrive.open(MadeUpDrive.resource("published").toString()).scene(0);
    List<byte[]> want = new ArrayList<>();
    try (ParquetFile images =
        ParquetFile.open(MadeUpDrive.resource("published/camera_image/" + FILE))) {
      long[] cameras = images.longs("key.camera_name");
      int first = 0;
      for (int g = 0; g < images.rowGroups(); g++) {
        java.util.BitSet all = new java.util.BitSet();
        all.set(0, images.rows(g));
        List<byte[]> bytes = images.bytes("[CameraImageComponent].image", g, all);
        for (int i = 0; i < bytes.size(); i++) {
          if (cameras[first + i] == 1) {
            want.add(PngFile.rgb(ImageIO.read(new ByteArrayInputStream(bytes.get(i)))));
          }
        }
        first += bytes.size();
      }
    }
    // Backwards, and from several threads at once.
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<byte[]>> got = new ArrayList<>();
      for (int t = scene.frames().size() - 1; t >= 0; t--) {
        int frame = t;
        got.add(threads.submit((Callable<byte[]>) () -> scene.frames().get(frame).rgb()));
      }
      for (int t = 0; t < want.size(); t++) {
        assertArrayEquals(want.get(t), got.get(want.size() - 1 - t).get(), "frame " + t);
      }
    }
  }

  @Test
  void aMissingTableOrColumnIsNamed() throws IOException {
    Path root = copy();
    Path poses = root.resolve("vehicle_pose").resolve(FILE);
    Files.copy(
        root.resolve("lidar_box").resolve(FILE),
        poses,
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    assertEquals(
        poses + ": has no column [VehiclePoseComponent].world_from_vehicle.transform",
        failure(root));
    Files.delete(poses);
    assertEquals(poses + ": is missing", failure(root));
  }

  @Test
  void aFileCutShortIsNamed() throws IOException {
    Path root = copy();
    Path boxes = root.resolve("lidar_box").resolve(FILE);
    byte[] bytes = Files.readAllBytes(boxes);
    Files.write(boxes, java.util.Arrays.copyOf(bytes, bytes.length / 2));
    String message = failure(root);
    assertTrue(message.startsWith(boxes + ": is damaged or no Parquet file: "), message);
    assertEquals(1, message.lines().count(), message);
  }

  @Test
  void anEmptyRootIsRefused() throws IOException {
    Files.createDirectories(folder.resolve("camera_image"));
    IOException e = assertThrows(IOException.class, () -> MadeUpDrive.open("waymo:" + folder));
    assertEquals(folder.resolve("camera_image") + ": holds no Parquet files", e.getMessage());
  }

  @Test
  void aDamagedPictureNamesItsRow() throws IOException {
    Path root = copy();
    Path images = root.resolve("camera_image").resolve(FILE);
    Scene scene = MadeUpDrive.open("waymo:" + root).scene(0);
    byte[] bytes = Files.readAllBytes(images);
    // The pictures of this table are not compressed.
    int at = indexOf(bytes, new byte[] {(byte) 0xFF, (byte) 0xD8, (byte) 0xFF}, 0);
    for (int from = at; from >= 0; from = indexOf(bytes, new byte[] {-1, -40, -1}, from + 1)) {
      bytes[from] = 0;
    }
    Files.write(images, bytes);
    UncheckedIOException e =
        assertThrows(UncheckedIOException.class, () -> scene.frames().get(2).rgb());
    assertEquals(images + ": row 11: the picture is neither a JPEG nor a PNG", e.getMessage());
  }

  private static int indexOf(byte[] bytes, byte[] what, int from) {
    for (int i = from; i + what.length <= bytes.length; i++) {
      if (bytes[i] == what[0] && bytes[i + 1] == what[1] && bytes[i + 2] == what[2]) {
        return i;
      }
    }
    return -1;
  }

  private String failure(Path root) {
    return assertThrows(IOException.class, () -> MadeUpDrive.open("waymo:" + root).scene(0))
        .getMessage();
  }

  private Path copy() throws IOException {
    Path from = MadeUpDrive.resource("plain");
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path to = folder.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(to);
        } else {
          Files.copy(file, to);
        }
      }
    }
    return folder;
  }
}
