package nacre.neuralassets.edit;

import java.util.ArrayList;
import java.util.List;
import nacre.neuralassets.render.SceneDescription;
import nacre.neuralassets.render.SceneDescription.Ground;
import nacre.neuralassets.render.SceneDescription.Light;
import nacre.neuralassets.render.SceneDescription.Solid;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;

/**
 * The ground truth of edits, for scenes that were rendered here: the described objects are changed
 * and the frame is rendered again, shadows included.
 */
public final class GroundTruth {
  private static final Descriptions NONE =
      scene -> {
        throw new EditException("scene " + scene + ": nothing of it can be rendered as truth");
      };

  /** Descriptions of the scenes that provide objects and backgrounds. */
  @FunctionalInterface
  public interface Descriptions {
    /**
     * The description of a scene.
     *
     * @param scene how the edit names it
     * @throws EditException if there is none
     */
    SceneDescription of(String scene);
  }

  private GroundTruth() {}

  /**
   * Renders one frame after edits; removed objects are left out of the frame's views.
   *
   * @throws EditException for an object that does not exist, and for edits that use another scene,
   *     which have no ground truth
   */
  public static SceneFrame render(
      SceneDescription scene, int frame, List<Edit> edits, int width, int height, int samples) {
    return SceneRenderer.renderFrame(
        describe(scene, frame, edits, NONE), frame, width, height, samples);
  }

  /**
   * The description of a scene in one of whose frames objects and background were edited.
   *
   * <p>An object that is replaced has the donor's shape and coat, within its own box. A background
   * is another scene's ground and light as the same camera sees them there.
   *
   * @param others the scenes that provide objects and backgrounds
   * @throws EditException for an object that does not exist, for a torus that its new box would
   *     deform, and for a background that this frame's camera did not take
   */
  public static SceneDescription describe(
      SceneDescription scene, int frame, List<Edit> edits, Descriptions others) {
    List<Solid> solids = new ArrayList<>(scene.objects());
    List<Camera> cameras = new ArrayList<>(scene.cameras());
    Ground ground = scene.ground();
    Light light = scene.light();
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
        case Edit.Duplicate e -> {
          Solid solid = solids.get(find(solids, e.object(), "duplicate"));
          solids.add(
              new Solid(e.as(), solid.shape(), solid.halfExtents(), solid.coat(), solid.poses()));
        }
        case Edit.Replace e -> {
          int i = find(solids, e.object(), "replace");
          SceneDescription donor = others.of(e.by().scene());
          int from = find(donor.objects(), e.by().object(), "replace by " + e.by().scene() + ":");
          solids.set(i, dressed(solids.get(i), donor.objects().get(from)));
        }
        case Edit.MoveCamera e -> cameras.set(frame, e.of(cameras.get(frame), Vec3.UNIT_Z));
        case Edit.Background e -> {
          SceneDescription other = others.of(e.scene());
          if (!other.cameras().contains(scene.cameras().get(frame))) {
            throw new EditException(
                "background " + e.scene() + ": another camera took it; it has no truth here");
          }
          ground = other.ground();
          light = other.light();
        }
      }
    }
    return new SceneDescription(cameras, solids, ground, light);
  }

  /** An object with the shape and the coat of another. */
  private static Solid dressed(Solid own, Solid donor) {
    try {
      return new Solid(own.name(), donor.shape(), own.halfExtents(), donor.coat(), own.poses());
    } catch (IllegalArgumentException e) {
      throw new EditException("replace " + own.name() + ": " + e.getMessage());
    }
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
