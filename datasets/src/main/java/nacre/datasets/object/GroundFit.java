package nacre.datasets.object;

import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Vec3;

/**
 * Approximate 3D boxes for data without any: boxes that stand on the ground, as deep as they are
 * wide, and fill the rectangle in which an object is seen. The camera is that of the generator
 * which OBJect's authors call very similar to theirs: a lens of 35 mm on a sensor of 32 mm, 2.5
 * units from the origin, looking down at it by 45 degrees.
 */
final class GroundFit {
  private static final double RADIUS = 2.5;

  /** The camera, with z up, the ground at z = 0 and x to the right in the picture. */
  static final Camera CAMERA =
      new Camera(
          RigidPose.lookAt(
              new Vec3(0, -RADIUS * Math.sqrt(0.5), RADIUS * Math.sqrt(0.5)),
              Vec3.ZERO,
              Vec3.UNIT_Z),
          Intrinsics.ofLens(35, 32, 32));

  private static final int ITERATIONS = 60;

  /** The least height and depth, as shares of the width. */
  private static final double FLATTEST = 0.05;

  private GroundFit() {}

  /** The point of the ray through a place in the picture at which it is {@code y} far back. */
  private static Vec3 atY(double u, double v, double y) {
    Vec3 eye = CAMERA.cameraToWorld().translation();
    Vec3 along = CAMERA.unproject(new Projection(u, v, 1)).minus(eye);
    return eye.plus(along.times((y - eye.y()) / along.y()));
  }

  /** How far back the ground is that is seen in a row of the picture. */
  private static double groundY(double v) {
    return yAt(v, 0);
  }

  private static double depth(double y, double z) {
    return CAMERA.project(new Vec3(0, y, z)).depth();
  }

  /** The box that is seen in a rectangle. */
  static Box3 box(Box2 seen) {
    double front = groundY(seen.y1());
    double height = 0;
    double back = front;
    double left = 0;
    double right = 0;
    for (int i = 0; i < ITERATIONS; i++) {
      double near = depth(front, height);
      double far = depth(back, 0);
      left = x(seen.x0(), seen.x0() < 0.5 ? near : far);
      right = x(seen.x1(), seen.x1() > 0.5 ? near : far);
      double width = Math.max(right - left, 1e-3);
      double least = FLATTEST * width;
      // As deep as wide, unless it is seen too flat for that.
      double deep = Math.min(width, Math.max(least, yAt(seen.y0(), least) - front));
      back = front + deep;
      double top = Math.max(least, atY(0.5, seen.y0(), back).z());
      height = i == 0 ? top : (height + top) / 2;
    }
    Vec3 center = new Vec3((left + right) / 2, (front + back) / 2, height / 2);
    Vec3 half = new Vec3(Math.max(right - left, 1e-3) / 2, (back - front) / 2, height / 2);
    return Box3.of(new RigidPose(Quaternion.IDENTITY, center), half);
  }

  /** How far back the ray through a row of the picture is at a height. */
  private static double yAt(double v, double z) {
    Vec3 eye = CAMERA.cameraToWorld().translation();
    Vec3 along = CAMERA.unproject(new Projection(0.5, v, 1)).minus(eye);
    return eye.y() + along.y() * (z - eye.z()) / along.z();
  }

  private static double x(double u, double depth) {
    return (u - CAMERA.intrinsics().cx()) * depth / CAMERA.intrinsics().fx();
  }

  /** A box moved on the ground to where it is seen in a rectangle. */
  static Box3 moved(Box3 box, Box2 seen) {
    Vec3 size = box.size();
    double front = groundY(seen.y1());
    double near = depth(front, size.z());
    double far = depth(front + size.y(), 0);
    double left = x(seen.x0(), seen.x0() < 0.5 ? near : far);
    double right = x(seen.x1(), seen.x1() > 0.5 ? near : far);
    Vec3 to = new Vec3((left + right) / 2, front + size.y() / 2, size.z() / 2);
    return box.translated(to.minus(box.center()));
  }

  /** A box turned on the ground, counterclockwise as seen from above. */
  static Box3 turned(Box3 box, double degrees) {
    return box.rotated(Quaternion.about(Vec3.UNIT_Z, Math.toRadians(degrees)));
  }
}
