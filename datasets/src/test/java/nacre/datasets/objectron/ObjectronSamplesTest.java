package nacre.datasets.objectron;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import nacre.datasets.Samples;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.PoseVector;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.Scene;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real bike in records that TensorFlow wrote, with values of an independent reader. */
class ObjectronSamplesTest {
  @TempDir Path folder;

  private Scene scene;

  @BeforeEach
  void open() throws IOException {
    Samples.copy("objectron", folder);
    scene = ObjectronTest.open("objectron:" + folder.resolve("bike_sequence.tfrecord")).scene(0);
  }

  private JsonNode json(String name) throws IOException {
    return new ObjectMapper().readTree(Files.readString(folder.resolve(name)));
  }

  @Test
  void posesAreThoseOfAnotherReader() throws IOException {
    JsonNode expected = json("expected.json");
    assertEquals(2, scene.frames().size());
    for (int t = 0; t < 2; t++) {
      Camera camera = scene.frames().get(t).camera();
      float[] pose = PoseVector.ofBox(scene.frames().get(t).boxes().getFirst(), camera);
      for (int k = 0; k < pose.length; k++) {
        double want = expected.get(t).get("pose12").get(k).doubleValue();
        assertEquals(want, pose[k], 1e-4, "frame " + t + ", number " + k);
      }
    }
    float[] background =
        PoseVector.ofBackground(scene.frames().get(0).camera(), scene.frames().get(1).camera());
    // That reader tells it in the axes of the sensor: x is −Y of the upright camera, y its X.
    int[] from = {1, 0, 2};
    int[] sign = {-1, 1, 1};
    JsonNode matrix = expected.get(2).get("background_rel_1_from_0_opengl");
    for (int row = 0; row < 3; row++) {
      for (int col = 0; col < 3; col++) {
        float value = sign[row] * sign[col] * background[3 * from[row] + from[col]];
        assertEquals(matrix.get(row).get(col).doubleValue(), value, 1e-4);
      }
      float value = sign[row] * background[9 + from[row]];
      assertEquals(matrix.get(row).get(3).doubleValue(), value, 1e-4);
    }
  }

  @Test
  void keypointsAreWhereTheyWereAnnotated() throws IOException {
    JsonNode bike = json("tao_centerpose_bike_frame.json").get("objects").get(0);
    Camera camera = scene.frames().getFirst().camera();
    Box3 box = scene.frames().getFirst().boxes().getFirst();
    for (int k = 0; k < 8; k++) {
      Projection point = camera.project(box.corner(k));
      JsonNode want = bike.get("projected_cuboid").get(k + 1);
      assertEquals(want.get(0).doubleValue(), point.u() * 600, 0.5, "x of corner " + k);
      assertEquals(want.get(1).doubleValue(), point.v() * 800, 0.5, "y of corner " + k);
    }
    assertFalse(box.extent(camera).isEmpty());
    assertEquals(3 * 480 * 640, scene.frames().getFirst().rgb().length);
  }
}
