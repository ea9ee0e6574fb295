package nacre.datasets.waymo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

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

/** The drive that {@code tools/lab/reference/export_waymo.py} made up, and what it computed. */
final class MadeUpDrive {
  private MadeUpDrive() {}

  static Path resource(String name) {
    try {
      return Path.of(MadeUpDrive.class.getResource(name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  static ClipSource open(String location) throws IOException {
    return ClipLocation.parse(location).open(new ClipSourceProvider.Request(null, 64, 0));
  }

  /** Compares cameras, poses and boxes of all frames. */
  static void check(Scene scene, double tolerance) throws IOException {
    JsonNode expected = new ObjectMapper().readTree(Files.readString(resource("expected.json")));
    assertEquals(expected.get("width").intValue(), scene.width());
    assertEquals(expected.get("height").intValue(), scene.height());
    assertEquals(expected.get("frames").size(), scene.frames().size());
    for (int t = 0; t < scene.frames().size(); t++) {
      JsonNode want = expected.get("frames").get(t);
      SceneFrame frame = scene.frames().get(t);
      assertArrayEquals(
          doubles(want.get("camera")), frame.camera().cameraToWorld().toMatrix(), tolerance);
      int present = 0;
      List<ObjectView> views = frame.views();
      for (int i = 0; i < views.size(); i++) {
        String name = scene.entities().get(i).name();
        JsonNode object = want.get("objects").get(name);
        assertEquals(object != null, views.get(i).isPresent(), name + " in frame " + t);
        if (object == null) {
          continue;
        }
        present++;
        float[] pose = PoseVector.ofBox(frame.boxes().get(i), frame.camera());
        for (int k = 0; k < pose.length; k++) {
          assertEquals(object.get("pose").get(k).doubleValue(), pose[k], tolerance * 20, name);
        }
        float[] box = views.get(i).box2().toArray();
        for (int k = 0; k < box.length; k++) {
          assertEquals(object.get("box").get(k).doubleValue(), box[k], tolerance, name);
        }
      }
      assertEquals(want.get("objects").size(), present, "objects in frame " + t);
    }
  }

  private static double[] doubles(JsonNode array) {
    double[] values = new double[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).doubleValue();
    }
    return values;
  }
}
