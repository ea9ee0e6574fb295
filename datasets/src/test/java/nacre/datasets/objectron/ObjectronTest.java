package nacre.datasets.objectron;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import nacre.neuralassets.data.ClipLocation;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.PoseVector;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The videos that {@code tools/lab/reference/export_objectron.py} made up. */
class ObjectronTest {
  static final String VIDEOS = "chair_train-00000-of-00001";
  private static final List<String> FRAMES =
      List.of("chair_test-00000-of-00002", "chair_test-00001-of-00002");

  @TempDir Path folder;

  private JsonNode expected;

  @BeforeEach
  void read() throws IOException {
    expected = new ObjectMapper().readTree(Files.readString(resource("expected.json")));
  }

  static Path resource(String name) {
    try {
      return Path.of(ObjectronTest.class.getResource(name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  static ClipSource open(String location) throws IOException {
    return ClipLocation.parse(location).open(new ClipSourceProvider.Request(null, 64, 0));
  }

  private ClipSource videos() throws IOException {
    Files.copy(resource(VIDEOS), folder.resolve(VIDEOS));
    return open(folder.toString());
  }

  private ClipSource frames() throws IOException {
    for (String name : FRAMES) {
      Files.copy(resource("frames/" + name), folder.resolve(name));
    }
    return open("objectron:" + folder);
  }

  private void check(Scene scene, int video) {
    JsonNode frames = expected.get(video);
    assertEquals(30, scene.width());
    assertEquals(40, scene.height());
    assertEquals(new Vec3(0, 1, 0), scene.up());
    assertEquals(frames.size(), scene.frames().size());
    assertFalse(scene.isDecoded());
    assertEquals(video == 0 ? List.of("chair", "chair_2") : List.of("chair"), scene.names());
    for (int t = 0; t < frames.size(); t++) {
      JsonNode want = frames.get(t);
      SceneFrame frame = scene.frames().get(t);
      assertArrayEquals(
          doubles(want.get("camera")), frame.camera().cameraToWorld().toMatrix(), 1e-5);
      List<ObjectView> views = frame.views();
      for (int i = 0; i < views.size(); i++) {
        JsonNode object = want.get("objects").get(Integer.toString(i));
        String place = "video " + video + ", frame " + t + ", object " + i;
        assertEquals(object != null, views.get(i).isPresent(), place);
        if (object != null) {
          float[] pose = PoseVector.ofBox(frame.boxes().get(i), frame.camera());
          assertArrayEquals(doubles(object.get("pose")), doubles(pose), 1e-5, place);
          assertArrayEquals(
              doubles(object.get("box")), doubles(views.get(i).box2().toArray()), 1e-5, place);
        }
      }
      byte[] rgb = frame.rgb();
      assertEquals(3 * 30 * 40, rgb.length);
      for (int c = 0; c < 3; c++) {
        assertEquals(want.get("corner_pixel").get(c).intValue(), rgb[c] & 0xFF);
      }
    }
  }

  private static double[] doubles(JsonNode array) {
    double[] values = new double[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).doubleValue();
    }
    return values;
  }

  private static double[] doubles(float[] array) {
    double[] values = new double[array.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = array[i];
    }
    return values;
  }

  @Test
  void videosAreClips() throws IOException {
    ClipSource source = videos();
    assertEquals(2, source.size());
    assertEquals(VIDEOS + ":1", source.id(1));
    check(source.scene(0), 0);
    check(source.scene(1), 1);
  }

  @Test
  void framesInAnyOrderMakeTheSameClips() throws IOException {
    ClipSource source = frames();
    assertEquals(2, source.size());
    assertEquals("chair/batch-1/0", source.id(0));
    assertEquals("chair/batch-1/1", source.id(1));
    check(source.scene(0), 0);
    check(source.scene(1), 1);
  }

  @Test
  void boxesStaySkewed() throws IOException {
    List<Vec3> corners = videos().scene(0).frames().getFirst().boxes().getFirst().corners();
    Vec3 x = corners.get(4).minus(corners.get(0));
    Vec3 y = corners.get(2).minus(corners.get(0));
    assertTrue(Math.abs(x.dot(y) / x.length() / y.length()) > 0.05);
  }

  @Test
  void remarksTellOfJumpsAndOfWhatIsLeftOut() throws IOException {
    ClipSource source = videos();
    assertEquals(
        List.of(
            "in 1 of 6 frames at most a tenth of an object is in the picture; it is left out"
                + " there"),
        source.remarks(0));
    List<String> remarks = source.remarks(1);
    assertEquals(4, remarks.size(), remarks.toString());
    assertTrue(remarks.get(0).startsWith("from frame 2 to 3 the camera jumps by "));
    assertTrue(remarks.get(1).startsWith("from frame 3 to 4 the camera jumps by "));
    assertTrue(
        remarks.get(2).startsWith("from frame 8 to 9 the camera jumps by 0.3"), remarks.get(2));
    assertEquals(
        "in 1 of 12 frames an object reaches behind the camera; it is left out there",
        remarks.get(3));
  }
}
