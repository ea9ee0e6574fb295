package nacre.datasets.movi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import nacre.neuralassets.data.ClipLocation;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.PoseVector;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The videos that {@code tools/lab/reference/export_movi.py} made up. */
class MoviTest {
  static final String TRAIN = "movi_e-train.tfrecord-00000-of-00001";
  private static final List<String> VALIDATION =
      List.of(
          "movi_e-validation.tfrecord-00000-of-00002", "movi_e-validation.tfrecord-00001-of-00002");
  private static final int SIDE = 32;

  @TempDir Path folder;

  private JsonNode expected;

  @BeforeEach
  void copy() throws IOException {
    expected = new ObjectMapper().readTree(Files.readString(resource("expected.json")));
    Files.copy(resource(TRAIN), folder.resolve(TRAIN));
    for (String name : VALIDATION) {
      Files.copy(resource(name), folder.resolve(name));
    }
  }

  static Path resource(String name) {
    try {
      return Path.of(MoviTest.class.getResource(name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  static ClipSource open(String location) throws IOException {
    return ClipLocation.parse(location).open(new ClipSourceProvider.Request(null, 64, 0));
  }

  private void check(Scene scene, String shard) {
    JsonNode want = expected.get(shard);
    assertEquals(SIDE, scene.width());
    assertEquals(SIDE, scene.height());
    assertEquals(want.get("frames").size(), scene.frames().size());
    assertFalse(scene.isDecoded());
    int count = want.get("dynamic").size();
    for (int i = 0; i < count; i++) {
      assertEquals(want.get("dynamic").get(i).intValue() == 1, scene.entities().get(i).isDynamic());
    }
    assertEquals(
        List.of("thing_0", "thing_0_2", "thing_1", "thing_2").subList(0, count), scene.names());
    for (int t = 0; t < scene.frames().size(); t++) {
      JsonNode frame = want.get("frames").get(t);
      check(scene.frames().get(t), frame, count);
    }
  }

  private static void check(SceneFrame frame, JsonNode want, int count) {
    assertArrayEquals(
        doubles(want.get("camera"), 1), frame.camera().cameraToWorld().toMatrix(), 1e-6);
    List<ObjectView> views = frame.views();
    assertEquals(count, views.size());
    for (int i = 0; i < count; i++) {
      float[] pose = PoseVector.ofBox(frame.boxes().get(i), frame.camera());
      double[] wanted = doubles(want.get("poses").get(i), 1);
      for (int k = 0; k < pose.length; k++) {
        assertEquals(wanted[k], pose[k], 1e-5);
      }
      double[] box = doubles(want.get("boxes").get(i), SIDE);
      float[] got = views.get(i).box2().toArray();
      for (int k = 0; k < 4; k++) {
        assertEquals(box[k], got[k], 1e-7);
      }
      assertEquals(want.get("visible").get(i).intValue(), views.get(i).visiblePixels());
    }
  }

  private static double[] doubles(JsonNode array, double unit) {
    double[] values = new double[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).doubleValue() / unit;
    }
    return values;
  }

  @Test
  void aFolderIsItsTrainingSplit() throws IOException {
    assertEquals("movi-e", ClipLocation.parse(folder.toString()).provider().name());
    ClipSource source = open(folder.toString());
    assertEquals(1, source.size());
    assertEquals(TRAIN + ":0", source.id(0));
    assertEquals(folder + ", split train, 1 shard (MOVi-E)", source.describe());
    check(source.scene(0), TRAIN);
  }

  @Test
  void otherSplitsAreNamed() throws IOException {
    ClipSource source = open("movi-e:" + folder + "#validation");
    assertEquals(2, source.size());
    check(source.scene(0), VALIDATION.get(0));
    check(source.scene(1), VALIDATION.get(1));
    assertEquals(3, open("movi-e:" + folder + "#all").size());
    String told =
        assertThrows(IOException.class, () -> open("movi-e:" + folder + "#test")).getMessage();
    assertEquals(
        folder
            + ": has no split 'test'; there are train, validation: write the location as "
            + folder
            + "#train",
        told);
  }

  @Test
  void aShardIsItself() throws IOException {
    ClipSource source = open(folder.resolve(VALIDATION.get(1)).toString());
    assertEquals(1, source.size());
    check(source.scene(0), VALIDATION.get(1));
  }

  @Test
  void framesAreDecodedWhenTheyAreDrawn() throws IOException {
    Scene scene = open(folder.toString()).scene(0);
    for (int t = 0; t < scene.frames().size(); t++) {
      byte[] rgb = scene.frames().get(t).rgb();
      byte[] labels = scene.frames().get(t).segmentation();
      assertEquals(3 * SIDE * SIDE, rgb.length);
      for (int i = 0; i < labels.length; i++) {
        assertEquals(10 * t + 1, rgb[3 * i]);
        assertEquals(60 * labels[i] % 251, rgb[3 * i + 1] & 0xFF);
      }
    }
  }

  @Test
  void flowIsNeverRead() throws IOException {
    Path shard = folder.resolve(TRAIN);
    ClipSource source = open(shard.toString());
    check(source.scene(0), TRAIN); // makes the index
    FileTime time = Files.getLastModifiedTime(shard);
    byte[] bytes = Files.readAllBytes(shard);
    assertEquals(2, damageFlow(bytes));
    Files.write(shard, bytes);
    Files.setLastModifiedTime(shard, time);
    ClipSource again = open(shard.toString());
    check(again.scene(0), TRAIN);
    again.scene(0).frames().forEach(SceneFrame::rgb);
    // Without the index all of it is read, and the damage is seen.
    Files.delete(folder.resolve(TRAIN + ".nacre-index"));
    ClipSource anew = open("movi-e:" + shard);
    String told = assertThrows(IOException.class, () -> anew.scene(0)).getMessage();
    assertTrue(told.startsWith(shard + ": record 0 at byte 0: its checksum is wrong"), told);
  }

  /** Zeros in both flow features, long runs of numbers of three bytes; returns how many runs. */
  private static int damageFlow(byte[] bytes) {
    int runs = 0;
    for (int at = 0; at + 3000 < bytes.length; at++) {
      boolean isRun = true;
      for (int k = 0; k < 1000 && isRun; k++) {
        isRun = bytes[at + 3 * k + 2] == 3 && (bytes[at + 3 * k + 1] & 0xFE) == 0xFE;
      }
      if (isRun) {
        Arrays.fill(bytes, at, at + 3000, (byte) 0);
        runs++;
        at += 3000;
        while (at + 2 < bytes.length && bytes[at + 2] == 3 && (bytes[at + 1] & 0xFE) == 0xFE) {
          at += 3; // the rest of this run
        }
      }
    }
    return runs;
  }

  @Test
  void aLinkToItselfIsNoShard() throws IOException {
    Path link = folder.resolve("loop");
    Files.createSymbolicLink(link, link);
    String told = assertThrows(IOException.class, () -> open("movi-e:" + link)).getMessage();
    assertEquals(link + ": is not there", told);
    Path shard = folder.resolve("movi_e-train.tfrecord-00001-of-00001");
    Files.createSymbolicLink(shard, shard);
    told = assertThrows(IOException.class, () -> open("movi-e:" + folder)).getMessage();
    assertTrue(told.startsWith(shard + ": "), told);
    assertFalse(told.contains("\n"));
  }
}
