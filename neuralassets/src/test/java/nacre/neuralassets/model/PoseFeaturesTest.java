package nacre.neuralassets.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.PoseVector;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Vec3;
import org.junit.jupiter.api.Test;

class PoseFeaturesTest {
  private static Camera camera() {
    RigidPose pose = RigidPose.lookAt(new Vec3(5, -3, 4), new Vec3(0, 0, 1), new Vec3(0, 0, 1));
    return new Camera(pose, Intrinsics.ofLens(35, 32, 32));
  }

  private static Box3 box() {
    RigidPose turned =
        new RigidPose(Quaternion.about(new Vec3(0.3, 0.2, 1), 0.7), new Vec3(0.4, 0.5, 0.9));
    return Box3.of(turned, new Vec3(0.5, 0.7, 0.9));
  }

  @Test
  void thePapersAreTheNumbersThemselves() {
    float[] poses = new float[24];
    for (int i = 0; i < poses.length; i++) {
      poses[i] = i - 7.5f;
    }
    assertArrayEquals(poses, new PoseFeatures(1, false, 0).of(poses));
  }

  @Test
  void derivedBoxIsTheProjectionOfTheBox() {
    Camera camera = camera();
    Box3 box = box();
    float[] features = new PoseFeatures(1, true, 0).of(PoseVector.ofBox(box, camera));
    assertEquals(19, features.length);
    double[] u = new double[8];
    double[] v = new double[8];
    for (int i = 0; i < 8; i++) {
      Projection p = camera.project(box.corner(i));
      u[i] = p.u();
      v[i] = p.v();
    }
    Projection center = camera.project(box.center());
    float[] wanted = {
      (float) center.u(),
      (float) center.v(),
      (float) center.depth(),
      (float) Arrays.stream(u).min().getAsDouble(),
      (float) Arrays.stream(v).min().getAsDouble(),
      (float) Arrays.stream(u).max().getAsDouble(),
      (float) Arrays.stream(v).max().getAsDouble()
    };
    assertArrayEquals(wanted, Arrays.copyOfRange(features, 12, 19), 1e-5f);
  }

  @Test
  void depthsAreScaledBeforeAllElse() {
    float[] pose = PoseVector.ofBox(box(), camera());
    float[] plain = new PoseFeatures(1, true, 0).of(pose);
    float[] scaled = new PoseFeatures(0.1, true, 0).of(pose);
    for (int i = 0; i < 19; i++) {
      boolean depth = i < 12 ? i % 3 == 2 : i == 14;
      assertEquals(depth ? plain[i] * 0.1f : plain[i], scaled[i], 1e-5f, "number " + i);
    }
  }

  @Test
  void octavesFollowInBlocks() {
    float[] pose = PoseVector.ofBox(box(), camera());
    float[] features = new PoseFeatures(1, false, 2).of(pose);
    assertEquals(60, features.length);
    for (int i = 0; i < 12; i++) {
      assertEquals(Math.sin(Math.PI * pose[i]), features[12 + i], 1e-5);
      assertEquals(Math.cos(Math.PI * pose[i]), features[24 + i], 1e-5);
      assertEquals(Math.sin(2 * Math.PI * pose[i]), features[36 + i], 1e-5);
      assertEquals(Math.cos(2 * Math.PI * pose[i]), features[48 + i], 1e-5);
    }
  }

  @Test
  void emptySlotsAreFinite() {
    float[] features = new PoseFeatures(0.1, true, 1).of(new float[12]);
    for (int i = 0; i < features.length; i++) {
      assertEquals(i < 38 ? 0 : 1, features[i], "number " + i);
    }
  }

  /** Eight corners are those of the paper, then the others in Kubric's order; three the first. */
  @Test
  void moreOrFewerCornersAreProjectionsOfTheBox() {
    Camera camera = camera();
    Box3 box = box();
    float[] pose = PoseVector.ofBox(box, camera);
    float[] eight = new PoseFeatures(1, true, 0, 8).of(pose);
    assertEquals(31, eight.length);
    assertArrayEquals(pose, Arrays.copyOf(eight, 12));
    int at = 12;
    for (int corner : new int[] {3, 5, 6, 7}) {
      Projection p = camera.project(box.corner(corner));
      assertEquals(p.u(), eight[at++], 1e-5);
      assertEquals(p.v(), eight[at++], 1e-5);
      assertEquals(p.depth(), eight[at++], 1e-5);
    }
    float[] four = new PoseFeatures(1, true, 0).of(pose);
    float[] three = new PoseFeatures(1, true, 0, 3).of(pose);
    assertArrayEquals(Arrays.copyOfRange(four, 12, 19), Arrays.copyOfRange(eight, 24, 31));
    assertArrayEquals(Arrays.copyOfRange(four, 12, 19), Arrays.copyOfRange(three, 9, 16));
    assertArrayEquals(Arrays.copyOf(pose, 9), Arrays.copyOf(three, 9));
    assertArrayEquals(new float[24], new PoseFeatures(0.1, false, 0, 8).of(new float[12]));
  }
}
