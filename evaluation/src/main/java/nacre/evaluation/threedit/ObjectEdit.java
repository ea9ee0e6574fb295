package nacre.evaluation.threedit;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;

/**
 * An edit of one object as 3DIT knows it: the camera stands still.
 *
 * @param task what is done
 * @param object its name in the scene
 * @param numbers T, four numbers
 */
public record ObjectEdit(Task task, String object, List<Float> numbers) {
  /** A center that moves by less, in sizes of the box, stays. */
  private static final double STAYS = 1e-3;

  /** Tasks, each with the verb of its sentence. */
  public enum Task {
    /** T is [π/2, sin a, cos a, 0] for an angle a about the vertical. */
    ROTATE("rotate"),
    /** T is [0, x, y, 0], where the object is to be seen. */
    TRANSLATE("move"),
    /** T is zeros. */
    REMOVE("remove");

    private final String verb;

    Task(String verb) {
      this.verb = verb;
    }
  }

  /** Copies the numbers. */
  public ObjectEdit {
    numbers = List.copyOf(numbers);
  }

  /**
   * Turns an object.
   *
   * @param degrees about the vertical, counterclockwise as seen from above
   */
  public static ObjectEdit rotate(String object, double degrees) {
    double a = Math.toRadians(degrees);
    return of(Task.ROTATE, object, Math.PI / 2, Math.sin(a), Math.cos(a), 0);
  }

  /** Moves an object to where the center of its new box is seen. */
  public static ObjectEdit translate(String object, Box3 box, Camera camera) {
    Projection at = camera.project(box.center());
    return of(Task.TRANSLATE, object, 0, at.u(), at.v(), 0);
  }

  /** Takes an object out. */
  public static ObjectEdit remove(String object) {
    return of(Task.REMOVE, object, 0, 0, 0, 0);
  }

  private static ObjectEdit of(Task task, String object, double... numbers) {
    List<Float> t = new ArrayList<>();
    for (double number : numbers) {
      t.add((float) number);
    }
    return new ObjectEdit(task, object, t);
  }

  /**
   * What was done between two frames of one camera, as in OBJect; empty unless one object was
   * moved, turned or taken out, and nothing else changed.
   */
  public static Optional<ObjectEdit> between(Scene scene, int source, int target) {
    SceneFrame before = scene.frames().get(source);
    SceneFrame after = scene.frames().get(target);
    if (!before.camera().equals(after.camera())) {
      return Optional.empty();
    }
    ObjectEdit found = null;
    for (int i = 0; i < scene.entities().size(); i++) {
      Box3 old = before.boxes().get(i);
      Box3 now = after.boxes().get(i);
      String name = scene.entities().get(i).name();
      if (old == null ? now == null : now != null && isSame(old, now)) {
        continue;
      }
      if (old == null || found != null) {
        return Optional.empty();
      }
      if (now == null) {
        found = remove(name);
      } else if (now.center().minus(old.center()).length() > STAYS * old.size().length()) {
        found = translate(name, now, after.camera());
      } else {
        found = rotate(name, turn(old, now, scene.up()));
      }
    }
    return Optional.ofNullable(found);
  }

  private static boolean isSame(Box3 old, Box3 now) {
    double most = 0;
    for (int i = 0; i < 8; i++) {
      most = Math.max(most, old.corner(i).minus(now.corner(i)).length());
    }
    return most <= STAYS * old.size().length();
  }

  /** The angle about the vertical in degrees: that of the box's most level edge. */
  private static double turn(Box3 old, Box3 now, Vec3 up) {
    Vec3 before = Vec3.ZERO;
    Vec3 after = Vec3.ZERO;
    for (int corner : new int[] {1, 2, 4}) {
      Vec3 flat = flat(old.corner(corner).minus(old.corner(0)).normalized(), up);
      if (flat.length() > before.length() + 1e-9) {
        before = flat;
        after = flat(now.corner(corner).minus(now.corner(0)), up);
      }
    }
    return Math.toDegrees(Math.atan2(before.cross(after).dot(up), before.dot(after)));
  }

  private static Vec3 flat(Vec3 edge, Vec3 up) {
    return edge.minus(up.times(edge.dot(up)));
  }

  /**
   * The sentence, {@code move the red box}.
   *
   * @param description of the object
   */
  public String sentence(String description) {
    return String.format(Locale.ROOT, "%s the %s", task.verb, description);
  }

  /** The sentence with the object's name for its description, {@code red-box} as two words. */
  public String sentence() {
    return sentence(object.replaceAll("[-_]+", " "));
  }
}
