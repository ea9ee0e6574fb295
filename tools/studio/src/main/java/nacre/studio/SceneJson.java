package nacre.studio;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.awt.Color;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import nacre.neuralassets.edit.EditedScene;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;

/** Scenes, boxes and cameras as JSON, and back. */
final class SceneJson {
  private static final double GOLDEN = 0.618033988749895;

  private SceneJson() {}

  /** A scene in one of its frames. */
  static ObjectNode scene(SceneShelf.Entry entry, SceneView view, int frame) {
    Scene scene = view.scene();
    SceneFrame shown = scene.frames().get(frame);
    ObjectNode json = head(entry, view, frame, shown.camera());
    List<ObjectView> seen = shown.views();
    ArrayNode objects = json.putArray("objects");
    for (int i = 0; i < scene.entities().size(); i++) {
      ObjectNode object =
          object(scene.entities().get(i).name(), i, seen.get(i).box3(), shown.camera());
      object.put("dynamic", scene.entities().get(i).isDynamic());
      object.put("editable", view.clip().sceneIndices().contains(i));
      object.put("visible", seen.get(i).isVisible());
      Box2 box = seen.get(i).box2();
      object.set("box2", array(box.x0(), box.y0(), box.x1(), box.y1()));
      objects.add(object);
    }
    json.put("ground", ground(shown.boxes(), scene.up()));
    return json;
  }

  /** A scene after edits. */
  static ObjectNode edited(SceneShelf.Entry entry, SceneView view, EditedScene edited) {
    ObjectNode json = head(entry, view, view.target(), edited.camera());
    ArrayNode objects = json.putArray("objects");
    for (int i = 0; i < edited.slots().size(); i++) {
      EditedScene.Slot slot = edited.slots().get(i);
      ObjectNode object = object(slot.name(), i, slot.box(), edited.camera());
      if (slot.donor() != null) {
        object
            .putObject("donor")
            .put("scene", slot.donor().scene())
            .put("object", slot.donor().object());
      }
      objects.add(object);
    }
    json.put("background", edited.background());
    return json;
  }

  private static ObjectNode head(SceneShelf.Entry entry, SceneView view, int frame, Camera camera) {
    Scene scene = view.scene();
    ObjectNode json = Asked.MAPPER.createObjectNode();
    json.put("id", entry.id()).put("reference", entry.reference()).put("name", entry.name());
    json.put("width", scene.width()).put("height", scene.height());
    json.put("sample", sample(entry, frame));
    json.set("up", array(scene.up()));
    json.put("frames", scene.frames().size()).put("source", view.source()).put("frame", frame);
    json.set("camera", camera(camera));
    return json;
  }

  /** The arguments of {@code nacre sample} that edit a frame of a scene as the studio does. */
  static String sample(SceneShelf.Entry entry, int frame) {
    return entry.arguments() + " --source " + frame + " --target " + frame;
  }

  private static ObjectNode object(String name, int index, Box3 box, Camera camera) {
    ObjectNode json = Asked.MAPPER.createObjectNode();
    json.put("id", name).put("name", name).put("label", name.replace('-', ' ').replace('_', ' '));
    json.put("color", color(index)).put("present", box != null);
    if (box != null) {
      json.set("box", box(box));
      ArrayNode corners = json.putArray("corners");
      box.corners().forEach(corner -> corners.add(array(corner)));
      json.set("projected", projected(box, camera));
    }
    return json;
  }

  /** The boxes of an edited scene, farthest first. */
  static ArrayNode overlay(EditedScene edited) {
    record Drawn(int index, EditedScene.Slot slot, double depth) {}
    List<Drawn> drawn = new ArrayList<>();
    for (int i = 0; i < edited.slots().size(); i++) {
      EditedScene.Slot slot = edited.slots().get(i);
      if (slot.isPresent()) {
        drawn.add(new Drawn(i, slot, edited.camera().project(slot.box().center()).depth()));
      }
    }
    drawn.sort(Comparator.comparingDouble(Drawn::depth).reversed());
    ArrayNode overlay = Asked.MAPPER.createArrayNode();
    for (Drawn each : drawn) {
      ObjectNode json = overlay.addObject();
      json.put("object", each.slot.name()).put("color", color(each.index));
      json.set("projected", projected(each.slot.box(), edited.camera()));
    }
    return overlay;
  }

  private static ArrayNode projected(Box3 box, Camera camera) {
    ArrayNode projected = Asked.MAPPER.createArrayNode();
    for (Vec3 corner : box.corners()) {
      Projection at = camera.project(corner);
      boolean before = at.depth() > 1e-9;
      projected.add(array(before ? at.u() : 0, before ? at.v() : 0, at.depth()));
    }
    return projected;
  }

  private static double ground(List<Box3> boxes, Vec3 up) {
    double lowest = Double.POSITIVE_INFINITY;
    for (Box3 box : boxes) {
      for (Vec3 corner : box == null ? List.<Vec3>of() : box.corners()) {
        lowest = Math.min(lowest, corner.dot(up));
      }
    }
    return Double.isFinite(lowest) ? lowest : 0;
  }

  /** Colors that lie far apart, whatever their number. */
  private static String color(int index) {
    Color color = Color.getHSBColor((float) (0.58 + GOLDEN * index), 0.72f, 0.92f);
    return String.format(Locale.ROOT, "#%06x", color.getRGB() & 0xffffff);
  }

  private static ObjectNode box(Box3 box) {
    ObjectNode json = Asked.MAPPER.createObjectNode();
    Vec3 size = box.size();
    json.set("center", array(box.center()));
    json.set("size", array(size));
    Vec3 x = axis(box, 4, size.x());
    Vec3 y = axis(box, 2, size.y());
    // A mirrored box has no rotation; its third axis then follows from the others.
    Quaternion turn = Quaternion.ofColumns(x, y, x.cross(y)).normalized();
    json.set("rotation", array(turn.w(), turn.x(), turn.y(), turn.z()));
    return json;
  }

  private static Vec3 axis(Box3 box, int corner, double length) {
    return length > 0
        ? box.corner(corner).minus(box.corner(0)).times(1 / length)
        : new Vec3(corner == 4 ? 1 : 0, corner == 2 ? 1 : 0, 0);
  }

  /** A box of a request. */
  static Box3 box(Asked asked) {
    asked.only("center", "size", "rotation");
    Vec3 size = asked.vec3("size");
    if (!(size.x() > 0 && size.y() > 0 && size.z() > 0)) {
      throw Refusal.bad(asked.place() + ".size has an edge that is not above 0");
    }
    Quaternion turn = asked.has("rotation") ? asked.rotation("rotation") : Quaternion.IDENTITY;
    return Box3.of(new RigidPose(turn, asked.vec3("center")), size.times(0.5));
  }

  static ObjectNode camera(Camera camera) {
    ObjectNode json = Asked.MAPPER.createObjectNode();
    RigidPose pose = camera.cameraToWorld();
    Quaternion q = pose.rotation();
    Intrinsics lens = camera.intrinsics();
    json.set("position", array(pose.translation()));
    json.set("rotation", array(q.w(), q.x(), q.y(), q.z()));
    json.put("fx", lens.fx()).put("fy", lens.fy()).put("cx", lens.cx()).put("cy", lens.cy());
    return json;
  }

  /**
   * A camera of a request.
   *
   * @param lens for the intrinsics that it leaves out
   */
  static Camera camera(Asked asked, Intrinsics lens) {
    asked.only("position", "rotation", "fx", "fy", "cx", "cy");
    return new Camera(
        new RigidPose(asked.rotation("rotation"), asked.vec3("position")),
        new Intrinsics(
            asked.number("fx", 0.01, 1000, lens.fx()),
            asked.number("fy", 0.01, 1000, lens.fy()),
            asked.number("cx", -10, 10, lens.cx()),
            asked.number("cy", -10, 10, lens.cy())));
  }

  static ArrayNode array(Vec3 v) {
    return array(v.x(), v.y(), v.z());
  }

  static ArrayNode array(double... values) {
    ArrayNode array = Asked.MAPPER.createArrayNode();
    for (double value : values) {
      array.add(value);
    }
    return array;
  }
}
