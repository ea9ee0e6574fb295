package nacre.neuralassets.scene;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One entry of "objects" in scene.json.
 *
 * @param boxes3 one a frame, null where the object is absent
 * @param boxes2 one a frame, or null if the file gives none
 * @param pixels one a frame, or null if the file gives none
 */
record ObjectTrack(
    String name, boolean dynamic, List<Box3> boxes3, List<Box2> boxes2, List<Integer> pixels) {
  /** The tolerance for corners, in edge lengths; float32 files are well within it. */
  private static final double TOLERANCE = 0.01;

  static ObjectTrack read(JsonPlace place, List<Camera> cameras) throws SceneFormatException {
    place.allowOnly(
        "name",
        "dynamic",
        "bboxes_3d",
        "size",
        "positions",
        "quaternions",
        "bboxes_2d",
        "visible_pixels",
        "notes");
    place.notBoth("bboxes_3d", "size");
    String name = place.get("name").text();
    List<Box3> boxes3 = boxes3(place, name, cameras);
    int frames = cameras.size();
    List<Box2> boxes2 = null;
    if (place.has("bboxes_2d")) {
      boxes2 = new ArrayList<>(frames);
      for (JsonPlace box : place.get("bboxes_2d").elements(frames, "one a frame")) {
        boxes2.add(box2(box));
      }
    }
    List<Integer> pixels = null;
    if (place.has("visible_pixels")) {
      pixels = new ArrayList<>(frames);
      for (JsonPlace count : place.get("visible_pixels").elements(frames, "one a frame")) {
        pixels.add(count.integer(0, Integer.MAX_VALUE));
      }
    }
    boolean dynamic = place.has("dynamic") ? place.get("dynamic").truth() : moves(boxes3);
    return new ObjectTrack(name, dynamic, boxes3, boxes2, pixels);
  }

  private static List<Box3> boxes3(JsonPlace place, String name, List<Camera> cameras)
      throws SceneFormatException {
    int frames = cameras.size();
    List<Box3> boxes = new ArrayList<>(frames);
    if (place.has("bboxes_3d")) {
      List<JsonPlace> entries = place.get("bboxes_3d").elements(frames, "one a frame");
      for (int t = 0; t < frames; t++) {
        JsonPlace entry = entries.get(t);
        boxes.add(entry.isNull() ? null : inFront(entry, name, corners(entry), cameras.get(t)));
      }
      return boxes;
    }
    if (!place.has("size")) {
      throw place.wrong(
          "has neither \"bboxes_3d\" nor \"size\"",
          "give 8 corners a frame, or size, positions and quaternions");
    }
    Vec3 size = place.get("size").vec3();
    if (!(size.x() > 0 && size.y() > 0 && size.z() > 0)) {
      throw place.get("size").wrong("is not positive", "give the lengths of the box's three edges");
    }
    List<JsonPlace> positions = place.get("positions").elements(frames, "one a frame");
    List<JsonPlace> turns = place.get("quaternions").elements(frames, "one a frame");
    for (int t = 0; t < frames; t++) {
      JsonPlace at = positions.get(t);
      if (at.isNull()) {
        boxes.add(null);
      } else {
        RigidPose pose = new RigidPose(turns.get(t).quaternion(), at.vec3());
        boxes.add(inFront(at, name, Box3.of(pose, size.times(0.5)), cameras.get(t)));
      }
    }
    return boxes;
  }

  private static Box3 corners(JsonPlace place) throws SceneFormatException {
    List<Vec3> corners = new ArrayList<>(8);
    for (JsonPlace corner : place.elements(8, "the corners, z fastest, then y, then x")) {
      corners.add(corner.vec3());
    }
    Box3 box = new Box3(corners);
    Vec3 size = box.size();
    if (!(Math.min(size.x(), Math.min(size.y(), size.z())) > 0)) {
      throw place.wrong("has an edge of length 0", "a box needs a volume");
    }
    if (!(box.skewness() < TOLERANCE)) {
      throw place.wrong(
          "is not a box with its corners in order",
          "the order is (x0,y0,z0), (x0,y0,z1), (x0,y1,z0), (x0,y1,z1), (x1,y0,z0), … in the"
              + " object's own axes");
    }
    Vec3 x = box.corner(4).minus(box.corner(0)).normalized();
    Vec3 y = box.corner(2).minus(box.corner(0)).normalized();
    Vec3 z = box.corner(1).minus(box.corner(0)).normalized();
    double shear = Math.max(Math.abs(x.dot(y)), Math.max(Math.abs(y.dot(z)), Math.abs(z.dot(x))));
    if (!(shear < TOLERANCE)) {
      throw place.wrong("has edges that do not meet at right angles", "a box must not be sheared");
    }
    return box;
  }

  private static Box3 inFront(JsonPlace place, String name, Box3 box, Camera camera)
      throws SceneFormatException {
    double depth = box.minDepth(camera);
    if (!(depth > 0)) {
      throw place.wrong(
          String.format(
              Locale.ROOT,
              "the box of %s reaches behind the camera (depth %s)",
              name,
              (float) depth),
          "put null for frames that lack the object; check that the camera matrix is"
              + " camera-to-world and looks along −Z");
    }
    return box;
  }

  private static Box2 box2(JsonPlace place) throws SceneFormatException {
    if (place.isNull()) {
      return Box2.EMPTY;
    }
    double[] b = place.numbers(4, "y0, x0, y1 and x1");
    for (double value : b) {
      if (value < 0 || value > 1) {
        throw place.wrong(
            "reaches outside the image (" + value + ")",
            "2D boxes are y0, x0, y1, x1 from 0 to 1; divide pixels by height and width");
      }
    }
    if (b[2] < b[0] || b[3] < b[1]) {
      throw place.wrong("ends before it begins", "the order is y0, x0, y1, x1");
    }
    Box2 box = new Box2(b[0], b[1], b[2], b[3]);
    return box.isEmpty() ? Box2.EMPTY : box;
  }

  private static boolean moves(List<Box3> boxes) {
    Box3 first = null;
    for (Box3 box : boxes) {
      if (box == null) {
        continue;
      }
      if (first == null) {
        first = box;
      }
      for (int i = 0; i < 8; i++) {
        if (box.corner(i).minus(first.corner(i)).length() > 1e-4 * first.size().length()) {
          return true;
        }
      }
    }
    return false;
  }

  /**
   * The view in one frame: what the file says, else what the segmentation shows, else the extent of
   * the projected 3D box.
   *
   * @param derived from the segmentation, or null if there is none
   */
  ObjectView view(int frame, Camera camera, ObjectView derived) {
    Box3 box3 = boxes3.get(frame);
    if (box3 == null) {
      return ObjectView.ABSENT;
    }
    Box2 box2;
    if (boxes2 != null) {
      box2 = boxes2.get(frame);
    } else if (derived != null) {
      box2 = derived.box2();
    } else {
      box2 = box3.extent(camera);
    }
    int count = -1;
    if (pixels != null) {
      count = pixels.get(frame);
    } else if (derived != null) {
      count = derived.visiblePixels();
    }
    return new ObjectView(box3, box2, count);
  }
}
