package nacre.datasets.objectron;

import java.util.stream.IntStream;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Vec3;

/**
 * Cameras of Objectron as Nacre has them. ARKit describes the sensor, which lies on its side where
 * the phone is upright: in the portrait picture its x axis points down and its y axis to the right;
 * z is negative in front of it. The principal point is mirrored with the axes.
 */
final class PhoneCamera {
  /** Numbers in a matrix of four by four. */
  static final int MATRIX = 16;

  /** How far rows may be from unit length and right angles; matrices in float32 are well within. */
  private static final double TOLERANCE = 1e-3;

  private PhoneCamera() {}

  /**
   * The camera of a portrait picture.
   *
   * @param view from the world to the sensor, row-major, 16 numbers
   * @param projection from the sensor to normalized device coordinates, row-major, 16 numbers
   * @throws IllegalArgumentException if they are not such matrices
   */
  static Camera of(float[] view, float[] projection) {
    double[] r = {view[0], view[1], view[2], view[4], view[5], view[6], view[8], view[9], view[10]};
    Vec3 x = new Vec3(r[0], r[1], r[2]);
    Vec3 y = new Vec3(r[3], r[4], r[5]);
    Vec3 z = new Vec3(r[6], r[7], r[8]);
    Vec3 moved = new Vec3(view[3], view[7], view[11]);
    double wrong =
        Math.abs(x.dot(x) - 1)
            + Math.abs(y.dot(y) - 1)
            + x.cross(y).minus(z).length()
            + Math.abs(x.dot(y));
    if (!(wrong < TOLERANCE) || !moved.isFinite()) {
      throw new IllegalArgumentException("camera/view is no rotation with a translation");
    }
    // The world's axes as the upright camera sees them are the columns of its rotation's inverse.
    Vec3 right = upright(new Vec3(r[0], r[3], r[6]));
    Vec3 up = upright(new Vec3(r[1], r[4], r[7]));
    Vec3 back = upright(new Vec3(r[2], r[5], r[8]));
    Quaternion toWorld = Quaternion.ofColumns(right, up, back).inverse();
    RigidPose pose = new RigidPose(toWorld, toWorld.rotate(upright(moved)).times(-1));
    return new Camera(pose, intrinsics(projection));
  }

  private static Intrinsics intrinsics(float[] p) {
    boolean finite = IntStream.range(0, MATRIX).allMatch(i -> Float.isFinite(p[i]));
    if (!finite || !(p[0] > 0) || !(p[5] > 0) || p[1] != 0 || p[4] != 0) {
      throw new IllegalArgumentException("camera/projection is no perspective projection");
    }
    return new Intrinsics(p[5] / 2.0, p[0] / 2.0, (1.0 - p[6]) / 2, (1.0 - p[2]) / 2);
  }

  /** A point in the sensor's axes in those of the upright camera: X right, Y up, −Z forward. */
  static Vec3 upright(Vec3 sensor) {
    return new Vec3(sensor.y(), -sensor.x(), sensor.z());
  }
}
