package nacre.neuralassets.edit;

import java.util.List;
import java.util.Optional;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Vec3;

/** A change to one object of a scene, to its background, or to the camera that draws it. */
public sealed interface Edit {
  /** The object that is edited; empty for one of the background or of the camera. */
  default Optional<String> edited() {
    return switch (this) {
      case Translate e -> Optional.of(e.object);
      case Rotate e -> Optional.of(e.object);
      case Resize e -> Optional.of(e.object);
      case Remove e -> Optional.of(e.object);
      case Replace e -> Optional.of(e.object);
      case Duplicate e -> Optional.of(e.as);
      case Background _, MoveCamera _ -> Optional.empty();
    };
  }

  /** Moves an object by world units. */
  record Translate(String object, Vec3 by) implements Edit {}

  /**
   * Turns an object about an axis through the center of its box, right-handed.
   *
   * @param axis in the world; null for the scene's up
   */
  record Rotate(String object, double degrees, Vec3 axis) implements Edit {}

  /** Makes an object larger or smaller, its lowest point staying where it is. */
  record Resize(String object, double factor) implements Edit {
    /** Checks that something is left of the object. */
    public Resize {
      if (!(factor > 0) || Double.isInfinite(factor)) {
        throw new EditException("resize " + object + ": factor " + factor + " must be positive");
      }
    }
  }

  /** Takes an object out. */
  record Remove(String object) implements Edit {}

  /**
   * Puts an object in once more, where it is; later edits move it away.
   *
   * @param as the name of the new one, which no other has
   */
  record Duplicate(String object, String as) implements Edit {}

  /** Gives an object the appearance of another scene's object; its box stays. */
  record Replace(String object, Donor by) implements Edit {}

  /**
   * Takes the background from another scene.
   *
   * @param scene how the user named it: a number or a folder
   */
  record Background(String scene) implements Edit {}

  /**
   * Moves and turns the camera that the picture is drawn from. Wherever it stands among the edits,
   * all others are of what this camera sees.
   *
   * @param by to the camera's right, up and ahead, in world units
   * @param left degrees to the left about the scene's up
   * @param raised degrees up about the camera's own right
   */
  record MoveCamera(Vec3 by, double left, double raised) implements Edit {
    /** The camera, moved. */
    Camera of(Camera camera, Vec3 up) {
      RigidPose pose = camera.cameraToWorld();
      Quaternion turned =
          Quaternion.about(up, Math.toRadians(left))
              .after(pose.rotation())
              .after(Quaternion.about(new Vec3(1, 0, 0), Math.toRadians(raised)));
      Vec3 to = pose.apply(new Vec3(by.x(), by.y(), -by.z()));
      return new Camera(new RigidPose(turned, to), camera.intrinsics());
    }

    /** A camera after all moves among some edits; the same one if there are none. */
    static Camera all(List<Edit> edits, Camera camera, Vec3 up) {
      Camera moved = camera;
      for (Edit edit : edits) {
        if (edit instanceof MoveCamera move) {
          moved = move.of(moved, up);
        }
      }
      return moved;
    }
  }

  /**
   * An object of another scene.
   *
   * @param scene how the user named it: a number or a folder
   */
  record Donor(String scene, String object) {}
}
