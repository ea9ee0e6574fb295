package nacre.neuralassets.scene;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import nacre.weights.AtomicFile;

/** The writer of scene folders; see docs/scene-format.md. */
public final class SceneWriter {
  private static final JsonMapper MAPPER = new JsonMapper();

  private SceneWriter() {}

  /**
   * Writes a scene into a folder, which is made if need be. scene.json comes last and in one step,
   * so that a folder that holds it is complete.
   *
   * @throws IOException in one sentence that names the file and the reason
   */
  public static void write(Scene scene, Path folder) throws IOException {
    Files.createDirectories(folder);
    int w = scene.width();
    int h = scene.height();
    for (int t = 0; t < scene.frames().size(); t++) {
      SceneFrame frame = scene.frames().get(t);
      PngFile.writeRgb(SceneFolder.frame(folder, t), frame.rgb(), w, h);
      if (frame.segmentation() != null) {
        PngFile.writeLabels(SceneFolder.segmentation(folder, t), frame.segmentation(), w, h);
      }
    }
    byte[] json = MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(toJson(scene));
    AtomicFile.write(folder.resolve(SceneFolder.JSON), out -> out.write(json));
  }

  private static ObjectNode toJson(Scene scene) {
    ObjectNode root = MAPPER.createObjectNode();
    root.put("format", SceneFolder.FORMAT);
    root.put("version", SceneFolder.VERSION);
    root.put("width", scene.width());
    root.put("height", scene.height());
    root.put("num_frames", scene.frames().size());
    root.set("up", array(scene.up()));
    root.set("camera", camera(scene));
    ArrayNode objects = root.putArray("objects");
    for (int i = 0; i < scene.entities().size(); i++) {
      objects.add(object(scene, i));
    }
    return root;
  }

  private static ObjectNode camera(Scene scene) {
    ObjectNode camera = MAPPER.createObjectNode();
    List<Intrinsics> lenses = scene.frames().stream().map(f -> f.camera().intrinsics()).toList();
    if (lenses.stream().distinct().count() == 1) {
      camera.set("intrinsics", array(lenses.getFirst()));
    } else {
      ArrayNode each = camera.putArray("intrinsics");
      lenses.forEach(k -> each.add(array(k)));
    }
    ArrayNode poses = camera.putArray("camera_to_world");
    for (SceneFrame frame : scene.frames()) {
      double[] m = frame.camera().cameraToWorld().toMatrix();
      ArrayNode rows = poses.addArray();
      for (int row = 0; row < 4; row++) {
        rows.add(array(m[4 * row], m[4 * row + 1], m[4 * row + 2], m[4 * row + 3]));
      }
    }
    return camera;
  }

  private static ObjectNode object(Scene scene, int i) {
    Scene.Entity entity = scene.entities().get(i);
    ObjectNode object = MAPPER.createObjectNode();
    object.put("name", entity.name());
    object.put("dynamic", entity.isDynamic());
    ArrayNode boxes3 = object.putArray("bboxes_3d");
    ArrayNode boxes2 = object.putArray("bboxes_2d");
    ArrayNode pixels = MAPPER.createArrayNode();
    boolean counted = true;
    for (SceneFrame frame : scene.frames()) {
      ObjectView view = frame.views().get(i);
      if (view.isPresent()) {
        ArrayNode corners = boxes3.addArray();
        view.box3().corners().forEach(c -> corners.add(array(c)));
      } else {
        boxes3.addNull();
      }
      Box2 b = view.box2();
      boxes2.add(array(b.y0(), b.x0(), b.y1(), b.x1()));
      pixels.add(view.visiblePixels());
      counted &= view.visiblePixels() >= 0;
    }
    if (counted) {
      object.set("visible_pixels", pixels);
    }
    return object;
  }

  private static ArrayNode array(Intrinsics k) {
    return array(k.fx(), k.fy(), k.cx(), k.cy());
  }

  private static ArrayNode array(Vec3 v) {
    return array(v.x(), v.y(), v.z());
  }

  private static ArrayNode array(double... values) {
    ArrayNode array = MAPPER.createArrayNode();
    for (double value : values) {
      array.add(value);
    }
    return array;
  }
}
