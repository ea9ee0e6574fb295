package nacre.neuralassets.scene;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class PoseVectorTest {
  private static final Intrinsics KUBRIC = Intrinsics.ofLens(35, 32, 32);
  private static final RigidPose PLACE =
      new RigidPose(Quaternion.about(Vec3.UNIT_Z, 0.7), new Vec3(0.5, -0.2, 0.6));
  private static final Box3 BOX = Box3.of(PLACE, new Vec3(0.8, 0.5, 0.6));

  private static Camera camera(double azimuth) {
    Vec3 eye = new Vec3(7 * Math.cos(azimuth), 7 * Math.sin(azimuth), 3);
    return new Camera(RigidPose.lookAt(eye, new Vec3(0, 0, 0.5), Vec3.UNIT_Z), KUBRIC);
  }

  /** By every axis, so that each component of the quaternion is the largest in turn. */
  @Test
  void aMatrixBecomesTheRotationThatItIsOf() {
    for (Vec3 axis :
        List.of(new Vec3(1, 0.2, -0.3), new Vec3(0.3, 1, 0.2), new Vec3(-0.2, 0.3, 1))) {
      for (double angle : new double[] {0, 0.4, 1.5, 2.5, 3.1, Math.PI}) {
        Quaternion wanted = Quaternion.about(axis, angle);
        Quaternion got = Quaternion.ofMatrix(wanted.toMatrix());
        double same =
            wanted.w() * got.w()
                + wanted.x() * got.x()
                + wanted.y() * got.y()
                + wanted.z() * got.z();
        assertEquals(1, Math.abs(same), 1e-12, axis + " " + angle); // q and −q are one rotation
      }
    }
  }

  /** itertools.product((x0, x1), (y0, y1), (z0, z1)). */
  @Test
  void cornersStandInKubricsOrder() {
    Box3 box = Box3.of(RigidPose.IDENTITY, new Vec3(1, 2, 3));
    assertEquals(
        List.of(
            new Vec3(-1, -2, -3),
            new Vec3(-1, -2, 3),
            new Vec3(-1, 2, -3),
            new Vec3(-1, 2, 3),
            new Vec3(1, -2, -3),
            new Vec3(1, -2, 3),
            new Vec3(1, 2, -3),
            new Vec3(1, 2, 3)),
        box.corners());
    assertEquals(new Vec3(2, 4, 6), box.size());
  }

  @Test
  void everyEdgeJoinsCornersThatDifferInOneAxis() {
    assertEquals(12, Box3.EDGES.size());
    assertEquals(12, Box3.EDGES.stream().map(e -> 8 * e[0] + e[1]).distinct().count());
    for (int[] edge : Box3.EDGES) {
      assertEquals(1, Integer.bitCount(edge[0] ^ edge[1]));
    }
  }

  @Test
  void holdsCornersZeroOneTwoFour() {
    Camera camera = camera(0.4);
    float[] pose = PoseVector.ofBox(BOX, camera);
    int[] corners = {0, 1, 2, 4};
    for (int i = 0; i < 4; i++) {
      Projection p = camera.project(BOX.corner(corners[i]));
      assertEquals(p.u(), pose[3 * i], 1e-6);
      assertEquals(p.v(), pose[3 * i + 1], 1e-6);
      assertEquals(p.depth(), pose[3 * i + 2], 1e-6);
    }
  }

  @Test
  void aPoseGivesItsBoxBack() {
    Camera camera = camera(2.4);
    Box3 back = PoseVector.toBox(PoseVector.ofBox(BOX, camera), camera);
    for (int i = 0; i < 8; i++) {
      assertEquals(0, back.corner(i).minus(BOX.corner(i)).length(), 1e-5);
    }
  }

  @Test
  void aPoseOfAnotherLengthIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> PoseVector.toBox(new float[11], camera(0)));
  }

  @Test
  void backgroundOfTheSourceFrameIsIdentity() {
    float[] identity = {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0};
    assertArrayEquals(identity, PoseVector.ofBackground(camera(1.1), camera(1.1)), 1e-6f);
  }

  /** Must take source camera coordinates of a point to target camera coordinates. */
  @Test
  void backgroundTakesSourceToTargetCoordinates() {
    Camera source = camera(0.2);
    Camera target = camera(0.9);
    float[] m = PoseVector.ofBackground(source, target);
    Vec3 world = new Vec3(0.4, -1.3, 0.8);
    Vec3 s = source.worldToCamera(world);
    Vec3 t = target.worldToCamera(world);
    assertEquals(t.x(), m[0] * s.x() + m[1] * s.y() + m[2] * s.z() + m[9], 1e-5);
    assertEquals(t.y(), m[3] * s.x() + m[4] * s.y() + m[5] * s.z() + m[10], 1e-5);
    assertEquals(t.z(), m[6] * s.x() + m[7] * s.y() + m[8] * s.z() + m[11], 1e-5);
  }

  @Test
  void skewnessTellsRightFromWrongOrder() {
    assertTrue(BOX.skewness() < 1e-12);
    List<Vec3> swapped = new ArrayList<>(BOX.corners());
    Collections.swap(swapped, 2, 3);
    assertTrue(new Box3(swapped).skewness() > 0.1);
  }

  @Test
  void extentIsClippedToTheImage() {
    Camera camera = camera(0);
    Box2 box = BOX.translated(new Vec3(0, 3, 0)).extent(camera);
    assertEquals(1, box.x1());
    assertTrue(box.x0() > 0.5 && box.y0() > 0 && box.y1() < 1);
    assertEquals(Box2.EMPTY, BOX.translated(new Vec3(0, 30, 0)).extent(camera));
  }
}
