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

  /** From the sensor's axes to those of the upright camera: X right, Y up, −Z forward. */
  private static final Quaternion UPRIGHT =
      Quaternion.ofColumns(new Vec3(0, -1, 0), new Vec3(1, 0, 0), new Vec3(0, 0, 1));

  private PhoneCamera() {}

  /**
   * The camera of a portrait picture.
   *
   * @param view from the world to the sensor, row-major, 16 numbers
   * @param projection from the sensor to normalized device coordinates, row-major, 16 numbers
   * @throws IllegalArgumentException if they are not such matrices
   */
  static Camera of(float[] view, float[] projection) {
    RigidPose toSensor;
    try {
      toSensor = RigidPose.ofMatrix(IntStream.range(0, MATRIX).mapToDouble(i -> view[i]).toArray());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("camera/view is no rotation with a translation", e);
    }
    RigidPose toWorld = new RigidPose(UPRIGHT, Vec3.ZERO).after(toSensor).inverse();
    return new Camera(toWorld, intrinsics(projection));
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
