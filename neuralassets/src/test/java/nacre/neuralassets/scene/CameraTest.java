package nacre.neuralassets.scene;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class CameraTest {
  private static final Intrinsics KUBRIC = Intrinsics.ofLens(35, 32, 32);

  private static final Camera OBLIQUE =
      new Camera(
          RigidPose.lookAt(new Vec3(5, -4, 3), new Vec3(0.3, 0.2, 0.5), Vec3.UNIT_Z), KUBRIC);

  /** Kubric's K = [[f/sw, 0, −.5], [0, −f/sh, −.5], [0, 0, −1]], applied to camera coordinates. */
  @Test
  void projectsAsKubricsMatrixDoes() {
    Camera camera = new Camera(RigidPose.IDENTITY, KUBRIC);
    // By hand: x/z rows of K·(0.4, −0.6, −2) = (0.4375 + 1, 0.65625 + 1, 2).
    Projection p = camera.project(new Vec3(0.4, -0.6, -2));
    assertEquals((0.4375 + 1) / 2, p.u(), 1e-12);
    assertEquals((0.65625 + 1) / 2, p.v(), 1e-12);
    assertEquals(2, p.depth(), 1e-12);
  }

  @Test
  void agreesWithKubricsMatrixFromAnyPlace() {
    double[] m = OBLIQUE.cameraToWorld().inverse().toMatrix();
    Vec3 world = new Vec3(-0.7, 1.1, 0.4);
    double[] c = new double[3];
    for (int i = 0; i < 3; i++) {
      c[i] =
          m[4 * i] * world.x() + m[4 * i + 1] * world.y() + m[4 * i + 2] * world.z() + m[4 * i + 3];
    }
    double a = 35.0 / 32 * c[0] - 0.5 * c[2];
    double b = -35.0 / 32 * c[1] - 0.5 * c[2];
    double d = -c[2];
    Projection p = OBLIQUE.project(world);
    assertEquals(a / d, p.u(), 1e-12);
    assertEquals(b / d, p.v(), 1e-12);
    assertEquals(d, p.depth(), 1e-12);
  }

  @Test
  void looksAtItsTargetWithTheHorizonLevel() {
    Projection target = OBLIQUE.project(new Vec3(0.3, 0.2, 0.5));
    assertEquals(0.5, target.u(), 1e-12);
    assertEquals(0.5, target.v(), 1e-12);
    Projection above = OBLIQUE.project(new Vec3(0.3, 0.2, 1.5));
    assertEquals(0.5, above.u(), 1e-12);
    assertEquals(true, above.v() < 0.5, "up in the world is up in the image");
    Vec3 right = OBLIQUE.cameraToWorld().rotation().rotate(new Vec3(1, 0, 0));
    assertEquals(0, right.z(), 1e-12);
  }

  @Test
  void unprojectUndoesProject() {
    Vec3 world = new Vec3(-1.7, 0.9, 2.2);
    Vec3 back = OBLIQUE.unproject(OBLIQUE.project(world));
    assertEquals(0, back.minus(world).length(), 1e-12);
  }

  @Test
  void pointsBehindHaveNegativeDepth() {
    assertEquals(-3, new Camera(RigidPose.IDENTITY, KUBRIC).project(new Vec3(0, 0, 3)).depth());
  }

  @Test
  void rotationsSurviveTheirMatrix() {
    for (Vec3 axis :
        List.of(new Vec3(1, 0, 0), new Vec3(0, 1, 0), Vec3.UNIT_Z, new Vec3(-1, 2, 0.5))) {
      for (double angle : new double[] {0, 0.3, 1.7, Math.PI, 4, 6}) {
        Quaternion q = Quaternion.about(axis, angle);
        assertArrayEquals(q.toMatrix(), Quaternion.ofMatrix(q.toMatrix()).toMatrix(), 1e-12);
        Vec3 v = new Vec3(0.2, -0.4, 0.9);
        double[] m = q.toMatrix();
        Vec3 byMatrix =
            new Vec3(
                m[0] * v.x() + m[1] * v.y() + m[2] * v.z(),
                m[3] * v.x() + m[4] * v.y() + m[5] * v.z(),
                m[6] * v.x() + m[7] * v.y() + m[8] * v.z());
        assertEquals(0, q.rotate(v).minus(byMatrix).length(), 1e-12);
      }
    }
  }

  @Test
  void posesCompose() {
    RigidPose a = new RigidPose(Quaternion.about(new Vec3(1, 2, 3), 0.8), new Vec3(1, 2, 3));
    RigidPose b = new RigidPose(Quaternion.about(new Vec3(-1, 0, 2), 2.1), new Vec3(-2, 0, 1));
    Vec3 p = new Vec3(0.1, 0.2, 0.3);
    assertEquals(0, a.after(b).apply(p).minus(a.apply(b.apply(p))).length(), 1e-12);
    assertEquals(0, a.inverse().apply(a.apply(p)).minus(p).length(), 1e-12);
  }
}
