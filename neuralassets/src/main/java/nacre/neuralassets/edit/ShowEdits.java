package nacre.neuralassets.edit;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;

/**
 * Edits that demonstrate a model on a scene: of the object that is seen best, and such that the
 * result is in the picture.
 */
public final class ShowEdits {
  private static final double MARGIN = 0.15;

  private ShowEdits() {}

  /** Slots' scene indices, the one seen best in both frames first. */
  static List<Integer> byClarity(SceneView view) {
    List<Integer> objects = new ArrayList<>(view.clip().sceneIndices());
    objects.sort(
        Comparator.comparingDouble(
                (Integer i) ->
                    -Math.min(area(view, view.source(), i), area(view, view.target(), i)))
            .thenComparing(i -> i));
    return objects;
  }

  private static double area(SceneView view, int frame, int object) {
    Box2 box = view.scene().frames().get(frame).views().get(object).box2();
    return (box.y1() - box.y0()) * (box.x1() - box.x0());
  }

  /** The name of the object that is seen best; empty if none is seen in both frames. */
  public static Optional<String> clearest(SceneView view) {
    return byClarity(view).stream()
        .filter(i -> area(view, view.source(), i) > 0 && area(view, view.target(), i) > 0)
        .map(i -> view.scene().entities().get(i).name())
        .findFirst();
  }

  /** A move along the ground by about the object's own size, to a free place. */
  public static Edit translate(SceneView view, String object) {
    SceneFrame frame = view.scene().frames().get(view.target());
    int index = view.scene().indexOf(object);
    Box3 box = frame.views().get(index).box3();
    Vec3 up = view.scene().up();
    Vec3 size = box.size();
    double step = Math.cbrt(size.x() * size.y() * size.z());
    Vec3 right = level(frame.camera(), new Vec3(1, 0, 0), up);
    Vec3 away = right.cross(up);
    Vec3 best = null;
    double bestRoom = Double.NEGATIVE_INFINITY;
    for (int turn = 0; turn < 8; turn++) {
      double angle = turn * Math.PI / 4;
      Vec3 by = right.times(step * Math.cos(angle)).plus(away.times(step * Math.sin(angle)));
      double room = room(view, frame, index, box.translated(by));
      if (room > bestRoom) {
        bestRoom = room;
        best = by;
      }
    }
    return new Edit.Translate(object, rounded(best));
  }

  /** A direction of the camera laid on the ground. */
  private static Vec3 level(Camera camera, Vec3 axis, Vec3 up) {
    Vec3 world = camera.cameraToWorld().rotation().rotate(axis);
    Vec3 flat = world.minus(up.times(world.dot(up)));
    return flat.length() > 1e-6 ? flat.normalized() : world;
  }

  private static Vec3 rounded(Vec3 v) {
    return new Vec3(
        Math.rint(v.x() * 100) / 100, Math.rint(v.y() * 100) / 100, Math.rint(v.z() * 100) / 100);
  }

  /** Distance to the nearest other object, less a penalty for leaving the picture. */
  private static double room(SceneView view, SceneFrame frame, int index, Box3 box) {
    Projection at = frame.camera().project(box.center());
    double outside =
        Math.max(0, MARGIN - Math.min(at.u(), at.v()))
            + Math.max(0, Math.max(at.u(), at.v()) - 1 + MARGIN);
    if (!(box.minDepth(frame.camera()) > 0)) {
      return Double.NEGATIVE_INFINITY;
    }
    double nearest = 3 * box.size().length();
    for (int i : view.clip().sceneIndices()) {
      if (i != index && frame.views().get(i).isPresent()) {
        Vec3 other = frame.views().get(i).box3().center();
        nearest = Math.min(nearest, other.minus(box.center()).length());
      }
    }
    return nearest - 100 * outside * box.size().length();
  }
}
