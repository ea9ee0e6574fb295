package nacre.datasets.movi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import nacre.datasets.Samples;
import nacre.neuralassets.data.ClipLocation;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.PoseVector;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Records that TensorFlow wrote, with values that an independent reader computed. */
class MoviSamplesTest {
  @TempDir Path root;

  @Test
  void posesAndBoxesAreThoseOfAnIndependentReader() throws IOException {
    Samples.copy("movi_e", root);
    assertEquals("movi-e", ClipLocation.parse(root.toString()).provider().name());
    MoviClips clips = MoviClips.open(root + "#validation");
    JsonNode expected =
        new ObjectMapper().readTree(Files.readString(root.resolve("expected.json")));
    assertEquals(expected.size(), clips.size());
    for (int i = 0; i < clips.size(); i++) {
      check(clips.scene(i), expected.get(i));
    }
  }

  private static void check(Scene scene, JsonNode want) {
    int n = want.get("num_instances").asInt();
    assertEquals(n, scene.entities().size());
    assertEquals(24, scene.frames().size());
    SceneFrame frame = scene.frames().get(5);
    for (int i = 0; i < n; i++) {
      ObjectView view = frame.views().get(i);
      assertEquals(want.at("/visibility_frame5/" + i).asInt(), view.visiblePixels());
      float[] box = view.box2().toArray();
      for (int k = 0; k < 4; k++) {
        double pixels = want.at("/boxes2d_frame5_px_y0x0y1x1/" + i + "/" + k).asDouble();
        assertEquals(pixels / 64, box[k], 1e-7);
      }
      float[] pose = PoseVector.ofBox(view.box3(), frame.camera());
      for (int k = 0; k < pose.length; k++) {
        // The numbers of the file are rounded to 5 digits.
        assertEquals(want.at("/pose12_frame5/" + i + "/" + k).asDouble(), pose[k], 1e-4);
      }
      assertTrue(view.box3().skewness() < 1e-5);
    }
    float[] background = PoseVector.ofBackground(scene.frames().get(0).camera(), frame.camera());
    for (int row = 0; row < 3; row++) {
      for (int col = 0; col < 3; col++) {
        double number = want.at("/background_rel_5_from_0/" + row + "/" + col).asDouble();
        assertEquals(number, background[3 * row + col], 1e-4);
      }
      double moved = want.at("/background_rel_5_from_0/" + row + "/3").asDouble();
      assertEquals(moved, background[9 + row], 1e-4);
    }
  }
}
