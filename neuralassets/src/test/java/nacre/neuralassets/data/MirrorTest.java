package nacre.neuralassets.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.PoseVector;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.Vec3;
import org.junit.jupiter.api.Test;

class MirrorTest {
  private static final int SIZE = 16;

  private final DataConfig config = DataConfig.of(Preset.builtin("tiny").data().orElseThrow());

  private Clip clip(long number) {
    Scene scene = HeldOut.scene(config, number, SIZE);
    return Clip.of("test", scene, SIZE, config.slots());
  }

  private PairBatch pair(Clip clip, boolean mirrored) {
    FramePair pair = new FramePair(clip, 0, 9, new int[] {0, 1, 2}, mirrored, false, 0);
    return PairBatch.of(List.of(pair), SIZE, config.slots());
  }

  /** The volume that three edges span, positive if they are right-handed. */
  private static double handedness(float[] pose, Camera camera) {
    Box3 box = PoseVector.toBox(pose, camera);
    Vec3 x = box.corner(4).minus(box.corner(0));
    Vec3 y = box.corner(2).minus(box.corner(0));
    return x.cross(y).dot(box.corner(1).minus(box.corner(0)));
  }

  @Test
  void aMirroredBoxHasTheMirroredCornersAndKeepsItsHandedness() {
    Clip clip = clip(0);
    float[] plain = pair(clip, false).conditioning().poses();
    float[] mirrored = pair(clip, true).conditioning().poses();
    Camera camera = clip.camera(9);
    for (int i = 0; i < clip.objects(); i++) {
      float[] before = java.util.Arrays.copyOfRange(plain, 12 * i, 12 * i + 12);
      float[] after = java.util.Arrays.copyOfRange(mirrored, 12 * i, 12 * i + 12);
      assertTrue(handedness(before, camera) > 0);
      assertTrue(handedness(after, camera) > 0);
      // The camera is centered: a mirrored point has the same depth and height, and 1 − u.
      List<String> expected = new ArrayList<>();
      List<String> actual = new ArrayList<>();
      for (int k = 0; k < 8; k++) {
        var p = camera.project(PoseVector.toBox(before, camera).corner(k));
        expected.add("%.3f %.3f %.3f".formatted(1 - p.u() + 0.0, p.v(), p.depth()));
        var q = camera.project(PoseVector.toBox(after, camera).corner(k));
        actual.add("%.3f %.3f %.3f".formatted(q.u(), q.v(), q.depth()));
      }
      expected.sort(null);
      actual.sort(null);
      assertEquals(expected, actual);
    }
  }

  @Test
  void mirroringTwiceGivesThePairBack() {
    for (int number = 0; number < 5; number++) {
      PairBatch plain = pair(clip(number), false);
      PairBatch twice = pair(clip(number), true);
      Mirror.apply(twice, 0);
      assertArrayEquals(plain.conditioning().source(), twice.conditioning().source());
      assertArrayEquals(plain.target(), twice.target());
      assertArrayEquals(plain.conditioning().boxes(), twice.conditioning().boxes(), 1e-6f);
      assertArrayEquals(plain.conditioning().poses(), twice.conditioning().poses(), 1e-4f);
      assertArrayEquals(
          plain.conditioning().backgroundPoses(), twice.conditioning().backgroundPoses());
    }
  }

  @Test
  void theMirroredBackgroundPoseTakesMirroredPointsToMirroredPoints() {
    Clip clip = clip(1);
    float[] plain = pair(clip, false).conditioning().backgroundPoses();
    float[] mirrored = pair(clip, true).conditioning().backgroundPoses();
    Vec3 point = new Vec3(0.3, -0.7, -5);
    Vec3 moved = apply(plain, point);
    Vec3 movedInMirror = apply(mirrored, new Vec3(-point.x(), point.y(), point.z()));
    assertEquals(-moved.x(), movedInMirror.x(), 1e-6);
    assertEquals(moved.y(), movedInMirror.y(), 1e-6);
    assertEquals(moved.z(), movedInMirror.z(), 1e-6);
  }

  private static Vec3 apply(float[] m, Vec3 p) {
    return new Vec3(
        m[0] * p.x() + m[1] * p.y() + m[2] * p.z() + m[9],
        m[3] * p.x() + m[4] * p.y() + m[5] * p.z() + m[10],
        m[6] * p.x() + m[7] * p.y() + m[8] * p.z() + m[11]);
  }

  @Test
  void picturesAndBoxesChangeSides() {
    Clip clip = clip(2);
    PairBatch plain = pair(clip, false);
    PairBatch mirrored = pair(clip, true);
    for (int y = 0; y < SIZE; y++) {
      for (int x = 0; x < SIZE; x++) {
        for (int c = 0; c < 3; c++) {
          assertEquals(
              plain.conditioning().source()[(y * SIZE + x) * 3 + c],
              mirrored.conditioning().source()[(y * SIZE + SIZE - 1 - x) * 3 + c]);
        }
      }
    }
    assertEquals(1 - plain.conditioning().boxes()[3], mirrored.conditioning().boxes()[1]);
    assertEquals(1 - plain.conditioning().boxes()[1], mirrored.conditioning().boxes()[3]);
    assertEquals(plain.conditioning().boxes()[0], mirrored.conditioning().boxes()[0]);
  }

  @Test
  void aFrameIsMirroredRowByRow() {
    byte[] rgb = {0, 0, 0, (byte) 255, (byte) 255, (byte) 255, 0, 51, 102, (byte) 204, 0, 0};
    float[] plain = new float[12];
    PairBatch.pixels(rgb, plain, 0);
    float[] mirrored = new float[12];
    PairBatch.pixels(Mirror.frame(rgb, 2), mirrored, 0);
    assertArrayEquals(
        new float[] {-1, -1, -1, 1, 1, 1, -1, -0.6f, -0.2f, 0.6f, -1, -1}, plain, 1e-6f);
    assertArrayEquals(
        new float[] {1, 1, 1, -1, -1, -1, 0.6f, -1, -1, -1, -0.6f, -0.2f}, mirrored, 1e-6f);
  }
}
