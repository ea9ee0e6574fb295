package nacre.datasets.waymo;

import java.util.HashMap;
import java.util.Map;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Vec3;

/**
 * The calibration of a camera of Waymo's cars. Its own axes, like the vehicle's, are x forward, y
 * left and z up.
 *
 * @param vehicleFromCamera where it is mounted
 * @param intrinsic f_u, f_v, c_u, c_v in pixels, then k1, k2, p1, p2, k3 of the distortion (Brown's
 *     model, as OpenCV has it)
 * @param width of its pictures in pixels
 * @param height of its pictures in pixels
 */
record WaymoCamera(RigidPose vehicleFromCamera, double[] intrinsic, int width, int height) {
  static final int INTRINSICS = 9;

  /** The largest side of a picture that is read. */
  private static final int LARGEST = 1 << 14;

  /** Takes Nacre's camera axes, X right, Y up and −Z forward, to Waymo's. */
  private static final Quaternion AXES =
      Quaternion.ofMatrix(new double[] {0, 0, -1, -1, 0, 0, 0, 1, 0});

  WaymoCamera {
    if (width < 1 || height < 1 || width > LARGEST || height > LARGEST) {
      throw new IllegalArgumentException("a camera of " + width + "×" + height + " pixels");
    }
    if (intrinsic.length != INTRINSICS || !(intrinsic[0] > 0) || !(intrinsic[1] > 0)) {
      throw new IllegalArgumentException("a camera without focal lengths");
    }
    for (double value : intrinsic) {
      if (!Double.isFinite(value)) {
        throw new IllegalArgumentException("a camera with an intrinsic parameter of " + value);
      }
    }
  }

  /**
   * The camera as Nacre has it: without the distortion, which a pinhole cannot have.
   *
   * @param worldFromVehicle the car when the picture was taken
   */
  Camera pinhole(RigidPose worldFromVehicle) {
    RigidPose mounted = worldFromVehicle.after(vehicleFromCamera);
    RigidPose turned = mounted.after(new RigidPose(AXES, Vec3.ZERO));
    return new Camera(
        turned,
        new Intrinsics(
            intrinsic[0] / width,
            intrinsic[1] / height,
            intrinsic[2] / width,
            intrinsic[3] / height));
  }

  /**
   * The pixel at which a point of the vehicle's axes appears, distortion included; null for one
   * behind the camera.
   */
  double[] project(Vec3 point) {
    Vec3 p = vehicleFromCamera.inverse().apply(point);
    if (!(p.x() > 0)) {
      return null;
    }
    double un = -p.y() / p.x();
    double vn = -p.z() / p.x();
    double r2 = un * un + vn * vn;
    double u = un;
    double v = vn;
    if (r2 < monotone()) {
      double radial = radial(r2);
      double p1 = intrinsic[6];
      double p2 = intrinsic[7];
      u = un * radial + 2 * p1 * un * vn + p2 * (r2 + 2 * un * un);
      v = vn * radial + 2 * p2 * un * vn + p1 * (r2 + 2 * vn * vn);
    }
    return new double[] {intrinsic[0] * u + intrinsic[2], intrinsic[1] * v + intrinsic[3]};
  }

  private double radial(double r2) {
    return 1 + r2 * (intrinsic[4] + r2 * (intrinsic[5] + r2 * intrinsic[8]));
  }

  /**
   * The square of the radius up to which the distortion is monotone: beyond, the polynomial folds
   * back, and a point far outside the picture would be put into it.
   */
  private double monotone() {
    double step = 0.01;
    double last = 0;
    for (double r = step; r < 2; r += step) {
      double distorted = r * radial(r * r);
      if (!(distorted > last)) {
        return (r - step) * (r - step);
      }
      last = distorted;
    }
    return 4;
  }

  /**
   * The part of the picture that the corners of a box span, distortion included; empty if one of
   * them is behind the camera.
   *
   * @param box in the vehicle's axes
   */
  Box2 extent(Box3 box) {
    double[] low = {Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY};
    double[] high = {Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY};
    for (Vec3 corner : box.corners()) {
      double[] at = project(corner);
      if (at == null) {
        return Box2.EMPTY;
      }
      for (int k = 0; k < 2; k++) {
        low[k] = Math.min(low[k], at[k]);
        high[k] = Math.max(high[k], at[k]);
      }
    }
    return box2(low[0], low[1], high[0], high[1]);
  }

  /** The extents of the labels that are in the picture. */
  Map<String, Box2> extents(Map<String, LaserBox> labels) {
    Map<String, Box2> seen = new HashMap<>();
    labels.forEach(
        (id, label) -> {
          Box2 box = extent(label.inWorld(RigidPose.IDENTITY));
          if (!box.isEmpty()) {
            seen.put(id, box);
          }
        });
    return seen;
  }

  /** A rectangle in pixels around a center, in image units. */
  Box2 around(double u, double v, double width, double height) {
    return box2(u - width / 2, v - height / 2, u + width / 2, v + height / 2);
  }

  /** A rectangle in pixels in image units, without what lies outside the picture. */
  private Box2 box2(double u0, double v0, double u1, double v1) {
    Box2 box =
        new Box2(
            Math.clamp(v0 / height, 0, 1),
            Math.clamp(u0 / width, 0, 1),
            Math.clamp(v1 / height, 0, 1),
            Math.clamp(u1 / width, 0, 1));
    return box.isEmpty() ? Box2.EMPTY : box;
  }
}
