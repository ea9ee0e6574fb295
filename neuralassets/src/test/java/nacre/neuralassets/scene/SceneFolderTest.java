package nacre.neuralassets.scene;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SceneFolderTest {
  private static final JsonMapper MAPPER = new JsonMapper();
  private static final Scene SCENE =
      SceneRenderer.render(new SceneGenerator(SceneConfig.demo(), 21).describe(0), 32, 24, 1);

  @TempDir private Path root;
  private Path folder;

  @BeforeEach
  void write() throws IOException {
    folder = root.resolve("clip");
    SceneWriter.write(SCENE, folder);
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    Scene read = SceneReader.read(folder);
    assertEquals(SCENE.entities(), read.entities());
    assertEquals(SCENE.width(), read.width());
    assertEquals(SCENE.height(), read.height());
    assertEquals(SCENE.up(), read.up());
    assertEquals(SCENE.frames().size(), read.frames().size());
    for (int t = 0; t < read.frames().size(); t++) {
      SceneFrame a = SCENE.frames().get(t);
      SceneFrame b = read.frames().get(t);
      assertArrayEquals(a.rgb(), b.rgb());
      assertArrayEquals(a.segmentation(), b.segmentation());
      assertEquals(a.views(), b.views());
      assertEquals(a.camera().intrinsics(), b.camera().intrinsics());
      assertArrayEquals(
          a.camera().cameraToWorld().toMatrix(), b.camera().cameraToWorld().toMatrix(), 1e-12);
    }
  }

  @Test
  void centerSizeAndQuaternionSayTheSameAsCorners() throws IOException {
    rewrite(
        root -> {
          ObjectNode object = object(root, 0);
          Box3 box = SCENE.frames().getFirst().views().getFirst().box3();
          RigidPose pose = poseOf(box);
          object.remove("bboxes_3d");
          object.set("size", array(box.size()));
          ArrayNode positions = object.putArray("positions");
          ArrayNode quaternions = object.putArray("quaternions");
          for (int t = 0; t < SCENE.frames().size(); t++) {
            positions.add(array(pose.translation()));
            Quaternion q = pose.rotation();
            quaternions.addArray().add(q.w()).add(q.x()).add(q.y()).add(q.z());
          }
        });
    Box3 read = SceneReader.read(folder).frames().getFirst().views().getFirst().box3();
    Box3 want = SCENE.frames().getFirst().views().getFirst().box3();
    for (int i = 0; i < 8; i++) {
      assertEquals(0, read.corner(i).minus(want.corner(i)).length(), 1e-9);
    }
  }

  private static RigidPose poseOf(Box3 box) {
    Vec3 x = box.corner(4).minus(box.corner(0)).normalized();
    Vec3 y = box.corner(2).minus(box.corner(0)).normalized();
    Vec3 z = box.corner(1).minus(box.corner(0)).normalized();
    return new RigidPose(Quaternion.ofColumns(x, y, z), box.center());
  }

  @Test
  void aLensAndQuaternionsSayTheSameAsMatrices() throws IOException {
    rewrite(
        root -> {
          ObjectNode camera = (ObjectNode) root.get("camera");
          camera.remove(List.of("intrinsics", "camera_to_world"));
          camera.put("focal_length", 35).put("sensor_width", 32);
          ArrayNode positions = camera.putArray("positions");
          ArrayNode quaternions = camera.putArray("quaternions");
          for (SceneFrame frame : SCENE.frames()) {
            RigidPose pose = frame.camera().cameraToWorld();
            positions.add(array(pose.translation()));
            Quaternion q = pose.rotation();
            quaternions.addArray().add(q.w()).add(q.x()).add(q.y()).add(q.z());
          }
        });
    Vec3 point = new Vec3(0.3, 0.4, 0.5);
    Projection want = SCENE.frames().get(3).camera().project(point);
    Projection read = SceneReader.read(folder).frames().get(3).camera().project(point);
    assertEquals(want.u(), read.u(), 1e-9);
    assertEquals(want.v(), read.v(), 1e-9);
    assertEquals(want.depth(), read.depth(), 1e-9);
  }

  @Test
  void flatBoxesComeFromTheSegmentationIfTheyAreNotGiven() throws IOException {
    rewrite(root -> object(root, 0).remove(List.of("bboxes_2d", "visible_pixels")));
    Scene read = SceneReader.read(folder);
    for (int t = 0; t < read.frames().size(); t++) {
      assertEquals(
          SCENE.frames().get(t).views().getFirst(), read.frames().get(t).views().getFirst());
    }
  }

  @Test
  void flatBoxesComeFromTheSolidOnesIfThereIsNothingElse() throws IOException {
    rewrite(root -> object(root, 0).remove(List.of("bboxes_2d", "visible_pixels", "dynamic")));
    for (int t = 0; t < SCENE.frames().size(); t++) {
      Files.delete(SceneFolder.segmentation(folder, t));
    }
    Scene read = SceneReader.read(folder);
    SceneFrame frame = read.frames().get(4);
    assertNull(frame.segmentation());
    assertEquals(
        frame.views().getFirst().box3().extent(frame.camera()), frame.views().getFirst().box2());
    assertEquals(-1, frame.views().getFirst().visiblePixels());
    assertEquals(SCENE.entities().getFirst().isDynamic(), read.entities().getFirst().isDynamic());
  }

  @Test
  void anObjectMayBeAbsentFromAFrame() throws IOException {
    rewrite(root -> ((ArrayNode) object(root, 0).get("bboxes_3d")).setNull(2));
    Scene read = SceneReader.read(folder);
    assertFalse(read.frames().get(2).views().getFirst().isPresent());
    assertTrue(read.frames().get(1).views().getFirst().isPresent());
    SceneWriter.write(read, root.resolve("again"));
    assertFalse(
        SceneReader.read(root.resolve("again")).frames().get(2).views().getFirst().isPresent());
  }

  @Test
  void imagesOfOtherKindsAreRead() throws IOException {
    BufferedImage gray = new BufferedImage(32, 24, BufferedImage.TYPE_BYTE_GRAY);
    gray.getRaster().setSample(5, 6, 0, 77);
    PngFile.write(folder.resolve("frame_000.png"), gray);
    BufferedImage alpha = new BufferedImage(32, 24, BufferedImage.TYPE_INT_ARGB);
    alpha.setRGB(5, 6, 0x80102030);
    PngFile.write(folder.resolve("frame_001.png"), alpha);
    BufferedImage palette = new BufferedImage(32, 24, BufferedImage.TYPE_BYTE_INDEXED);
    palette.setRGB(5, 6, 0xFF0000FF);
    PngFile.write(folder.resolve("frame_002.png"), palette);
    Scene read = SceneReader.read(folder);
    int at = 3 * (6 * 32 + 5);
    assertArrayEquals(new byte[] {77, 77, 77}, pixel(read, 0, at));
    assertArrayEquals(new byte[] {0x10, 0x20, 0x30}, pixel(read, 1, at));
    assertArrayEquals(new byte[] {0, 0, (byte) 255}, pixel(read, 2, at));
  }

  private static byte[] pixel(Scene scene, int frame, int at) {
    return Arrays.copyOfRange(scene.frames().get(frame).rgb(), at, at + 3);
  }

  @Test
  void foldersAreListed() throws IOException {
    SceneWriter.write(SCENE, root.resolve("other"));
    Files.createDirectories(root.resolve("empty"));
    assertEquals(List.of(folder), SceneFolder.list(folder));
    assertEquals(List.of(folder, root.resolve("other")), SceneFolder.list(root));
    assertThrows(SceneFormatException.class, () -> SceneFolder.list(root.resolve("empty")));
    assertThrows(NoSuchFileException.class, () -> SceneFolder.list(root.resolve("nowhere")));
  }

  @Test
  void missingThings() throws IOException {
    refused(root.resolve("nowhere"), "is not a folder");
    Files.createDirectories(root.resolve("empty"));
    refused(root.resolve("empty"), "holds no scene.json");
    Files.delete(folder.resolve("frame_007.png"));
    refused(folder, "frame_007.png", "is missing");
  }

  @Test
  void malformedJson() throws IOException {
    String json = Files.readString(folder.resolve("scene.json"));
    Files.writeString(folder.resolve("scene.json"), json.substring(0, json.length() / 2));
    refused(folder, "scene.json", "malformed JSON: ", "(line ");
    Files.writeString(folder.resolve("scene.json"), "");
    refused(folder, "scene.json", "$", "is not an object");
    Files.writeString(folder.resolve("scene.json"), json + json);
    refused(folder, "scene.json", "malformed JSON");
    Files.writeString(
        folder.resolve("scene.json"), json.replace("\"width\"", "\"width\": 32, \"width\""));
    refused(folder, "scene.json", "malformed JSON", "width");
  }

  @Test
  void missingAndMisspeltFields() throws IOException {
    refusedAfter(r -> r.remove("camera"), "$", "no field \"camera\"");
    refusedAfter(r -> r.put("hight", 24), "$", "unknown field \"hight\"");
    refusedAfter(r -> object(r, 0).remove("name"), "$.objects[0]", "no field \"name\"");
    refusedAfter(r -> object(r, 0).remove("bboxes_3d"), "$.objects[0]", "bboxes_3d");
    refusedAfter(
        r -> object(r, 0).putArray("bbox_2d"), "$.objects[0]", "unknown field \"bbox_2d\"");
    refusedAfter(r -> r.put("width", "wide"), "$.width", "not a whole number");
    refusedAfter(r -> r.put("width", 0), "$.width", "from 1");
    refusedAfter(r -> r.put("format", "movie"), "$.format", "nacre-scene");
    refusedAfter(r -> r.put("version", 2), "$.version", "is 2");
    refusedAfter(r -> object(r, 0).put("size", 3), "$.objects[0]", "has both");
  }

  @Test
  void wrongCounts() throws IOException {
    refusedAfter(r -> r.put("num_frames", 13), "$.camera.camera_to_world", "12 entries", "13");
    refusedAfter(
        r -> ((ArrayNode) object(r, 1).get("bboxes_3d")).remove(0),
        "$.objects[1].bboxes_3d",
        "11 entries");
    refusedAfter(
        r -> ((ArrayNode) object(r, 1).get("bboxes_3d").get(3)).remove(0),
        "$.objects[1].bboxes_3d[3]",
        "7 entries",
        "must be 8");
    refusedAfter(
        r -> ((ArrayNode) object(r, 1).get("bboxes_2d").get(3)).add(1),
        "$.objects[1].bboxes_2d[3]",
        "5 entries");
  }

  @Test
  void numbersThatAreNone() throws IOException {
    refusedAfter(
        r -> corner(r, 1, 3, 5).set(1, MAPPER.getNodeFactory().numberNode(Double.NaN)),
        "$.objects[1].bboxes_3d[3][5][1]",
        "NaN");
    refusedAfter(r -> corner(r, 0, 0, 0).set(0, "x"), "[0][0][0]", "is not a number");
    String json = Files.readString(folder.resolve("scene.json"));
    Files.writeString(
        folder.resolve("scene.json"), json.replaceFirst("\"up\" : \\[ 0.0", "\"up\" : [ NaN"));
    refused(folder, "$.up[0]", "NaN");
    Files.writeString(
        folder.resolve("scene.json"), json.replaceFirst("\"up\" : \\[ 0.0", "\"up\" : [ 1e999"));
    refused(folder, "$.up[0]", "Infinity");
  }

  @Test
  void badNames() throws IOException {
    String taken = SCENE.entities().getFirst().name();
    refusedAfter(
        r -> object(r, 1).put("name", taken), "$.objects[1].name", "also the name of $.objects[0]");
    refusedAfter(r -> object(r, 1).put("name", "red box"), "$.objects[1].name", "cannot be typed");
    refusedAfter(r -> object(r, 1).put("name", ""), "$.objects[1].name", "cannot be typed");
  }

  @Test
  void boxesThatAreNone() throws IOException {
    refusedAfter(
        r -> {
          ArrayNode box = (ArrayNode) object(r, 0).get("bboxes_3d").get(4);
          var second = box.get(2);
          box.set(2, box.get(3));
          box.set(3, second);
        },
        "$.objects[0].bboxes_3d[4]",
        "corners in order");
    refusedAfter(
        r -> {
          for (int i = 0; i < 8; i++) {
            ArrayNode c = corner(r, 0, 4, i);
            c.set(0, c.get(0).doubleValue() + 0.8 * c.get(2).doubleValue());
          }
        },
        "$.objects[0].bboxes_3d[4]",
        "right angles");
    refusedAfter(
        r -> {
          for (int i = 0; i < 8; i++) {
            corner(r, 0, 4, i).set(2, 0.5);
          }
        },
        "$.objects[0].bboxes_3d[4]",
        "length 0");
  }

  @Test
  void aBoxBehindTheCamera() throws IOException {
    Camera camera = SCENE.frames().get(4).camera();
    Vec3 behind = camera.cameraToWorld().apply(new Vec3(0, 0, 20));
    refusedAfter(
        r -> {
          for (int i = 0; i < 8; i++) {
            ArrayNode c = corner(r, 0, 4, i);
            c.set(0, c.get(0).doubleValue() + behind.x());
            c.set(1, c.get(1).doubleValue() + behind.y());
            c.set(2, c.get(2).doubleValue() + behind.z());
          }
        },
        "$.objects[0].bboxes_3d[4]",
        SCENE.entities().getFirst().name(),
        "behind the camera");
  }

  @Test
  void badCameras() throws IOException {
    refusedAfter(
        r -> ((ArrayNode) matrix(r, 2).get(1)).set(1, 3.0),
        "$.camera.camera_to_world[2]",
        "not a rotation");
    refusedAfter(
        r -> {
          for (int row = 0; row < 3; row++) {
            ArrayNode line = (ArrayNode) matrix(r, 2).get(row);
            line.set(2, -line.get(2).doubleValue());
          }
        },
        "$.camera.camera_to_world[2]",
        "mirror");
    refusedAfter(
        r -> ((ArrayNode) matrix(r, 2).get(3)).set(0, 1.0),
        "$.camera.camera_to_world[2][3]",
        "is not 0, 0, 0, 1");
    refusedAfter(
        r ->
            ((ObjectNode) r.get("camera")).putArray("intrinsics").add(800).add(800).add(16).add(12),
        "$.camera.intrinsics",
        "pixels");
    refusedAfter(
        r -> ((ObjectNode) r.get("camera")).putArray("intrinsics").add(0).add(1).add(1).add(1),
        "$.camera.intrinsics",
        "positive");
  }

  @Test
  void badFlatBoxes() throws IOException {
    refusedAfter(
        r -> ((ArrayNode) object(r, 0).get("bboxes_2d")).set(1, four(3, 4, 20, 21)),
        "$.objects[0].bboxes_2d[1]",
        "outside the image");
    refusedAfter(
        r -> ((ArrayNode) object(r, 0).get("bboxes_2d")).set(1, four(0.5, 0.1, 0.2, 0.3)),
        "$.objects[0].bboxes_2d[1]",
        "ends before it begins");
  }

  @Test
  void badImages() throws IOException {
    Path file = folder.resolve("frame_003.png");
    byte[] good = Files.readAllBytes(file);
    for (int length : new int[] {0, 5, 20, 40, good.length / 2, good.length - 40}) {
      Files.write(file, Arrays.copyOf(good, length));
      refused(folder, "frame_003.png", length == 0 ? "is empty" : "is damaged");
    }
    Files.writeString(file, "a text");
    refused(folder, "frame_003.png", "is damaged or no PNG");
    PngFile.writeRgb(file, new byte[3 * 24 * 24], 24, 24);
    refused(folder, "frame_003.png", "24×24", "32×24");
  }

  @Test
  void badSegmentations() throws IOException {
    Path file = folder.resolve("segmentation_003.png");
    byte[] labels = new byte[32 * 24];
    labels[7] = 99;
    PngFile.writeLabels(file, labels, 32, 24);
    refused(folder, "segmentation_003.png", "label 99");
    PngFile.writeRgb(file, new byte[3 * 32 * 24], 32, 24);
    refused(folder, "segmentation_003.png", "3 channels");
    Files.delete(file);
    refused(folder, "segmentation_003.png", "is missing");
  }

  private static ObjectNode object(ObjectNode root, int i) {
    return (ObjectNode) root.get("objects").get(i);
  }

  private static ArrayNode corner(ObjectNode root, int object, int frame, int corner) {
    return (ArrayNode) object(root, object).get("bboxes_3d").get(frame).get(corner);
  }

  private static ArrayNode matrix(ObjectNode root, int frame) {
    return (ArrayNode) root.get("camera").get("camera_to_world").get(frame);
  }

  private static ArrayNode array(Vec3 v) {
    return MAPPER.createArrayNode().add(v.x()).add(v.y()).add(v.z());
  }

  private static ArrayNode four(double a, double b, double c, double d) {
    return MAPPER.createArrayNode().add(a).add(b).add(c).add(d);
  }

  private void rewrite(Consumer<ObjectNode> change) throws IOException {
    Path json = folder.resolve("scene.json");
    ObjectNode root = (ObjectNode) MAPPER.readTree(Files.readAllBytes(json));
    change.accept(root);
    // As Python's json module does it: NaN bare, not in quotation marks.
    Files.writeString(json, MAPPER.writeValueAsString(root).replace("\"NaN\"", "NaN"));
  }

  /** Changes the good scene, expects to be refused, and puts the good one back. */
  private void refusedAfter(Consumer<ObjectNode> change, String... words) throws IOException {
    Path json = folder.resolve("scene.json");
    byte[] good = Files.readAllBytes(json);
    rewrite(change);
    refused(folder, words);
    Files.write(json, good);
    SceneReader.read(folder);
  }

  private static void refused(Path folder, String... words) {
    SceneFormatException e =
        assertThrows(SceneFormatException.class, () -> SceneReader.read(folder));
    for (String word : words) {
      assertTrue(e.getMessage().contains(word), "\"%s\" in: %s".formatted(word, e.getMessage()));
    }
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }
}
