package nacre.neuralassets.edit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;

/**
 * Scenes whose numbers can be worked out by hand. The camera stands at (0, −10, 0) and looks along
 * y, so that (x, y, z) is seen at u = 0.5 + x / (10 + y), v = 0.5 − z / (10 + y). Objects are
 * called a, b, c, … Frame t is gray, 16 · t of 255.
 */
final class HandmadeScene {
  static final int SIZE = 16;
  private static final Vec3 EYE = new Vec3(0, -10, 0);

  private final List<SceneFrame> frames = new ArrayList<>();
  private final Camera camera;

  /** A scene whose camera is rolled about its line of sight, by degrees. */
  HandmadeScene(double roll) {
    RigidPose level = RigidPose.lookAt(EYE, Vec3.ZERO, Vec3.UNIT_Z);
    Quaternion about = Quaternion.about(Vec3.UNIT_Z, Math.toRadians(roll)); // the camera's own axis
    camera =
        new Camera(level.after(new RigidPose(about, Vec3.ZERO)), new Intrinsics(1, 1, 0.5, 0.5));
  }

  /** An object that reaches half of its size from a place to all sides. */
  static ObjectView object(Vec3 place, Vec3 size, Box2 seen) {
    Box3 box = Box3.of(new RigidPose(Quaternion.IDENTITY, place), size.times(0.5));
    return new ObjectView(box, seen, -1);
  }

  /** An object of no matter what size and place. */
  static ObjectView seen(double y0, double x0, double y1, double x1) {
    return object(Vec3.ZERO, new Vec3(1, 1, 1), new Box2(y0, x0, y1, x1));
  }

  HandmadeScene frame(ObjectView... views) {
    byte[] gray = new byte[SIZE * SIZE * 3];
    Arrays.fill(gray, (byte) (16 * frames.size()));
    frames.add(SceneFrame.of(camera, List.of(views), gray, null));
    return this;
  }

  /** The scene seen from its first frame to its last. */
  SceneView view(String name, int slots) {
    List<Scene.Entity> entities = new ArrayList<>();
    for (int i = 0; i < frames.getFirst().views().size(); i++) {
      entities.add(new Scene.Entity(String.valueOf((char) ('a' + i)), false));
    }
    Scene scene = new Scene(SIZE, SIZE, Vec3.UNIT_Z, entities, frames);
    return SceneView.of(name, scene, SIZE, slots).withFrames(0, frames.size() - 1);
  }
}
