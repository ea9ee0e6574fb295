package nacre.neuralassets.edit;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.PoseVector;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;

/**
 * A frame after edits: where each object is, and whose appearance it has.
 *
 * @param camera of the frame, as edits moved it
 * @param slots one for each object of the scene, in the scene's order
 * @param background the scene that provides the background, as the user named it; null if it keeps
 *     its own
 */
public record EditedScene(Camera camera, List<Slot> slots, String background) {

  /**
   * One object.
   *
   * @param box where it is to be; null if it was removed or is absent
   * @param donor the object whose appearance it has; null for its own
   */
  public record Slot(String name, Box3 box, Edit.Donor donor) {
    /** True if the object is in the picture. */
    public boolean isPresent() {
      return box != null;
    }
  }

  /** Copies the list. */
  public EditedScene {
    slots = List.copyOf(slots);
  }

  /**
   * Applies edits, in order, to one frame.
   *
   * @throws EditException if an object does not exist, was removed, or ends up behind the camera
   */
  public static EditedScene apply(Scene scene, int frame, List<Edit> edits) {
    return applyTo(ChangedView.withDuplicates(scene, edits), frame, edits);
  }

  private static EditedScene applyTo(Scene scene, int frame, List<Edit> edits) {
    SceneFrame target = scene.frames().get(frame);
    Camera camera = Edit.MoveCamera.all(edits, target.camera(), scene.up());
    List<ObjectView> seen = ChangedView.views(target, camera);
    List<Slot> slots = new ArrayList<>();
    for (int i = 0; i < scene.entities().size(); i++) {
      slots.add(new Slot(scene.entities().get(i).name(), seen.get(i).box3(), null));
    }
    String background = null;
    for (Edit edit : edits) {
      switch (edit) {
        case Edit.Duplicate _, Edit.MoveCamera _ -> {} // is so already
        case Edit.Background b -> background = b.scene();
        case Edit.Translate e ->
            move(slots, camera, e.object(), "translate", b -> b.translated(e.by()));
        case Edit.Rotate e ->
            move(slots, camera, e.object(), "rotate", b -> rotate(b, e, scene.up()));
        case Edit.Resize e ->
            move(slots, camera, e.object(), "resize", b -> resize(b, e, scene.up()));
        case Edit.Remove e -> {
          int i = find(slots, e.object(), "remove");
          slots.set(i, new Slot(e.object(), null, null));
        }
        case Edit.Replace e -> {
          int i = find(slots, e.object(), "replace");
          slots.set(i, new Slot(e.object(), slots.get(i).box(), e.by()));
        }
      }
    }
    return new EditedScene(camera, slots, background);
  }

  private static Box3 rotate(Box3 box, Edit.Rotate edit, Vec3 up) {
    Vec3 axis = edit.axis() == null ? up : edit.axis();
    return box.rotated(Quaternion.about(axis, Math.toRadians(edit.degrees())));
  }

  private static Box3 resize(Box3 box, Edit.Resize edit, Vec3 up) {
    Vec3 center = box.center();
    double drop = 0;
    for (Vec3 corner : box.corners()) {
      drop = Math.max(drop, center.minus(corner).dot(up));
    }
    return box.scaledAbout(center.minus(up.times(drop)), edit.factor());
  }

  private interface Change {
    Box3 of(Box3 box);
  }

  private static void move(
      List<Slot> slots, Camera camera, String name, String verb, Change change) {
    int i = find(slots, name, verb);
    Slot slot = slots.get(i);
    Box3 box = change.of(slot.box());
    double depth = box.minDepth(camera);
    if (!(depth > 0)) {
      throw new EditException(
          String.format(
              Locale.ROOT,
              "%s %s: the box would reach behind the camera (depth %s); move it less or the other"
                  + " way",
              verb,
              name,
              (float) depth));
    }
    slots.set(i, new Slot(name, box, slot.donor()));
  }

  private static int find(List<Slot> slots, String name, String verb) {
    for (int i = 0; i < slots.size(); i++) {
      if (slots.get(i).name().equals(name)) {
        if (!slots.get(i).isPresent()) {
          throw new EditException(
              String.format(
                  Locale.ROOT,
                  "%s %s: the object is not in this frame, or was removed",
                  verb,
                  name));
        }
        return i;
      }
    }
    throw unknown(verb, name, slots.stream().map(Slot::name).toList());
  }

  /** The error for a name that no object has, with the names that there are. */
  public static EditException unknown(String verb, String name, List<String> names) {
    return new EditException(
        String.format(
            Locale.ROOT,
            "%s %s: the scene has no object of that name; it has %s",
            verb,
            name,
            names.isEmpty() ? "none" : String.join(", ", names)));
  }

  /** Pose vectors [slots][12] for the model; twelve zeros for an object that is not there. */
  public float[][] poses() {
    float[][] poses = new float[slots.size()][];
    for (int i = 0; i < poses.length; i++) {
      Slot slot = slots.get(i);
      poses[i] =
          slot.isPresent() ? PoseVector.ofBox(slot.box(), camera) : new float[PoseVector.LENGTH];
    }
    return poses;
  }
}
