package nacre.evaluation.threedit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
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
import org.junit.jupiter.api.Test;

class ObjectEditTest {
  private static final int SIZE = 4;

  private static final Camera CAMERA =
      new Camera(
          RigidPose.lookAt(new Vec3(0, -10, 4), Vec3.ZERO, Vec3.UNIT_Z),
          new Intrinsics(1, 1, 0.5, 0.5));

  private static final Box3 BOX =
      Box3.of(new RigidPose(Quaternion.IDENTITY, new Vec3(0.5, 0, 1)), new Vec3(0.5, 0.3, 1));

  private static final Box3 OTHER =
      Box3.of(new RigidPose(Quaternion.IDENTITY, new Vec3(-2, 1, 1)), new Vec3(0.5, 0.5, 0.5));

  private static SceneFrame frame(Camera camera, Box3... boxes) {
    List<ObjectView> views =
        Arrays.stream(boxes)
            .map(b -> b == null ? ObjectView.ABSENT : new ObjectView(b, Box2.FULL, -1))
            .toList();
    return SceneFrame.of(camera, views, new byte[SIZE * SIZE * 3], null);
  }

  private static Optional<ObjectEdit> between(SceneFrame before, SceneFrame after) {
    List<Scene.Entity> entities =
        List.of(new Scene.Entity("red-box", false), new Scene.Entity("other", false));
    Scene scene = new Scene(SIZE, SIZE, Vec3.UNIT_Z, entities, List.of(before, after));
    return ObjectEdit.between(scene, 0, 1);
  }

  private static void assertEdit(String sentence, ObjectEdit edit, double... numbers) {
    assertEquals(sentence, edit.sentence());
    for (int i = 0; i < numbers.length; i++) {
      assertEquals(numbers[i], edit.numbers().get(i), 1e-6, sentence + " " + i);
    }
  }

  @Test
  void numbersAreAsPublished() {
    double half = Math.PI / 2;
    assertEdit("rotate the red box", ObjectEdit.rotate("red-box", 90), half, 1, 0, 0);
    assertEdit("rotate the red box", ObjectEdit.rotate("red-box", -30), half, -0.5, 0.8660254, 0);
    assertEdit("remove the red box", ObjectEdit.remove("red-box"), 0, 0, 0, 0);
    Projection at = CAMERA.project(BOX.center());
    assertEdit(
        "move the red box", ObjectEdit.translate("red-box", BOX, CAMERA), 0, at.u(), at.v(), 0);
    assertEquals("remove the old lamp", ObjectEdit.remove("x").sentence("old lamp"));
  }

  @Test
  void editsAreFoundBetweenFrames() {
    Box3 moved = BOX.translated(new Vec3(1, 0.5, 0));
    Projection at = CAMERA.project(moved.center());
    SceneFrame before = frame(CAMERA, BOX, OTHER);
    assertEdit(
        "move the red box",
        between(before, frame(CAMERA, moved, OTHER)).orElseThrow(),
        0,
        at.u(),
        at.v(),
        0);
    for (double degrees : new double[] {40, -100, 170}) {
      Box3 turned = BOX.rotated(Quaternion.about(Vec3.UNIT_Z, Math.toRadians(degrees)));
      assertEdit(
          "rotate the red box",
          between(before, frame(CAMERA, turned, OTHER)).orElseThrow(),
          Math.PI / 2,
          Math.sin(Math.toRadians(degrees)),
          Math.cos(Math.toRadians(degrees)),
          0);
    }
    assertEdit(
        "remove the other", between(before, frame(CAMERA, BOX, null)).orElseThrow(), 0, 0, 0, 0);
  }

  @Test
  void otherChangesAreNone() {
    SceneFrame before = frame(CAMERA, BOX, OTHER);
    Vec3 by = new Vec3(1, 0, 0);
    Camera other =
        new Camera(
            RigidPose.lookAt(new Vec3(1, -10, 4), Vec3.ZERO, Vec3.UNIT_Z), CAMERA.intrinsics());
    assertTrue(between(before, before).isEmpty(), "nothing");
    assertTrue(
        between(before, frame(CAMERA, BOX.translated(by), OTHER.translated(by))).isEmpty(), "two");
    assertTrue(between(before, frame(other, BOX.translated(by), OTHER)).isEmpty(), "the camera");
    assertTrue(between(frame(CAMERA, null, OTHER), before).isEmpty(), "one appears");
  }
}
