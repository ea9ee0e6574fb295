package nacre.datasets.waymo;

import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Vec3;

/** Poses as Waymo writes them: row-major matrices of four by four. */
final class Transforms {
  static final int LENGTH = 16;

  /** How far rows may be from unit length and right angles; matrices in float32 are well within. */
  private static final double TOLERANCE = 1e-3;

  private Transforms() {}

  /**
   * A matrix as a pose.
   *
   * @throws IllegalArgumentException if it is not a rotation and a translation
   */
  static RigidPose pose(double[] m) {
    if (m.length != LENGTH) {
      throw new IllegalArgumentException("a transform has 16 numbers, not " + m.length);
    }
    Vec3 x = new Vec3(m[0], m[1], m[2]);
    Vec3 y = new Vec3(m[4], m[5], m[6]);
    Vec3 z = new Vec3(m[8], m[9], m[10]);
    double wrong =
        Math.abs(x.dot(x) - 1)
            + Math.abs(y.dot(y) - 1)
            + x.cross(y).minus(z).length()
            + Math.abs(x.dot(y));
    Vec3 translation = new Vec3(m[3], m[7], m[11]);
    if (!(wrong < TOLERANCE) || !Double.isFinite(translation.length())) {
      throw new IllegalArgumentException("a transform is no rotation with a translation");
    }
    double[] rotation = {m[0], m[1], m[2], m[4], m[5], m[6], m[8], m[9], m[10]};
    return new RigidPose(Quaternion.ofMatrix(rotation), translation);
  }
}
