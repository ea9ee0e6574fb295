package nacre.neuralassets.edit;

import java.util.ArrayList;
import java.util.List;
import nacre.neuralassets.render.SceneDescription;
import nacre.neuralassets.render.SceneDescription.Solid;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;

/**
 * The ground truth of edits, for scenes that were rendered here: the described objects are changed
 * and the frame is rendered again, shadows included.
 */
public final class GroundTruth {
  private GroundTruth() {}

  /**
   * Renders one frame after edits; removed objects are left out of the frame's views.
   *
   * @throws EditException for an object that does not exist, and for edits that use another scene,
   *     which have no ground truth
   */
  public static SceneFrame render(
      SceneDescription scene, int frame, List<Edit> edits, int width, int height, int samples) {
    return SceneRenderer.renderFrame(apply(scene, frame, edits), frame, width, height, samples);
  }

  static SceneDescription apply(SceneDescription scene, int frame, List<Edit> edits) {
    List<Solid> solids = new ArrayList<>(scene.objects());
    for (Edit edit : edits) {
      switch (edit) {
        case Edit.Translate e -> {
          int i = find(solids, e.object(), "translate");
          RigidPose pose = solids.get(i).poses().get(frame);
          change(
              solids, i, 1, new RigidPose(pose.rotation(), pose.translation().plus(e.by())), frame);
        }
        case Edit.Rotate e -> {
          int i = find(solids, e.object(), "rotate");
          RigidPose pose = solids.get(i).poses().get(frame);
          Vec3 axis = e.axis() == null ? Vec3.UNIT_Z : e.axis();
          Quaternion turn = Quaternion.about(axis, Math.toRadians(e.degrees()));
          change(
              solids, i, 1, new RigidPose(turn.after(pose.rotation()), pose.translation()), frame);
        }
        case Edit.Resize e -> {
          int i = find(solids, e.object(), "resize");
          RigidPose pose = solids.get(i).poses().get(frame);
          // The lowest point of the box stays: the center rises by what the box grows below it.
          double drop = drop(pose, solids.get(i).halfExtents());
          Vec3 rise = new Vec3(0, 0, (e.factor() - 1) * drop);
          change(
              solids,
              i,
              e.factor(),
              new RigidPose(pose.rotation(), pose.translation().plus(rise)),
              frame);
        }
        case Edit.Remove e -> solids.remove(find(solids, e.object(), "remove"));
        case Edit.Replace e ->
            throw new EditException("replace " + e.object() + ": cannot be rendered as truth");
        case Edit.Background e ->
            throw new EditException("background " + e.scene() + ": cannot be rendered as truth");
      }
    }
    return new SceneDescription(scene.cameras(), solids, scene.ground(), scene.light());
  }

  private static double drop(RigidPose pose, Vec3 half) {
    double[] m = pose.rotation().toMatrix();
    return Math.abs(m[6]) * half.x() + Math.abs(m[7]) * half.y() + Math.abs(m[8]) * half.z();
  }

  private static void change(List<Solid> solids, int i, double factor, RigidPose pose, int frame) {
    Solid old = solids.get(i);
    List<RigidPose> poses = new ArrayList<>(old.poses());
    poses.set(frame, pose);
    solids.set(
        i, new Solid(old.name(), old.shape(), old.halfExtents().times(factor), old.coat(), poses));
  }

  private static int find(List<Solid> solids, String name, String verb) {
    for (int i = 0; i < solids.size(); i++) {
      if (solids.get(i).name().equals(name)) {
        return i;
      }
    }
    throw EditedScene.unknown(verb, name, solids.stream().map(Solid::name).toList());
  }
}
