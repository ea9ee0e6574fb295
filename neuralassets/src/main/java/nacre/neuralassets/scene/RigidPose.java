package nacre.neuralassets.scene;

/** A rotation followed by a translation: {@code p ↦ rotation(p) + translation}. */
public record RigidPose(Quaternion rotation, Vec3 translation) {
  /** The identity. */
  public static final RigidPose IDENTITY = new RigidPose(Quaternion.IDENTITY, Vec3.ZERO);

  /**
   * The pose of something at {@code eye} that looks at {@code target}, in the camera axes of Kubric
   * and OpenGL: X right, Y up, −Z forward.
   *
   * @throws IllegalArgumentException if {@code eye} equals {@code target} or the line of sight is
   *     parallel to {@code up}
   */
  public static RigidPose lookAt(Vec3 eye, Vec3 target, Vec3 up) {
    Vec3 back = eye.minus(target).normalized();
    Vec3 right = up.cross(back).normalized();
    return new RigidPose(Quaternion.ofColumns(right, back.cross(right), back), eye);
  }

  /** How far rows may be from unit length and right angles; matrices in float32 are well within. */
  private static final double TOLERANCE = 1e-3;

  /**
   * The pose of a homogeneous 4×4 matrix, row-major, whose last row is not looked at.
   *
   * @throws IllegalArgumentException if it is no rotation with a translation
   */
  public static RigidPose ofMatrix(double[] m) {
    if (m.length != 16) {
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
    if (!(wrong < TOLERANCE) || !translation.isFinite()) {
      throw new IllegalArgumentException("a transform is no rotation with a translation");
    }
    double[] rotation = {m[0], m[1], m[2], m[4], m[5], m[6], m[8], m[9], m[10]};
    return new RigidPose(Quaternion.ofMatrix(rotation), translation);
  }

  /** Returns the point moved by this pose. */
  public Vec3 apply(Vec3 point) {
    return rotation.rotate(point).plus(translation);
  }

  /** Returns the inverse pose. */
  public RigidPose inverse() {
    Quaternion back = rotation.inverse();
    return new RigidPose(back, back.rotate(translation).times(-1));
  }

  /**
   * Returns the pose that applies {@code first} and then this one (matrix product this · first).
   */
  public RigidPose after(RigidPose first) {
    return new RigidPose(rotation.after(first.rotation), apply(first.translation));
  }

  /** Returns the homogeneous 4×4 matrix, row-major, 16 numbers. */
  public double[] toMatrix() {
    double[] r = rotation.toMatrix();
    return new double[] {
      r[0],
      r[1],
      r[2],
      translation.x(),
      r[3],
      r[4],
      r[5],
      translation.y(),
      r[6],
      r[7],
      r[8],
      translation.z(),
      0,
      0,
      0,
      1
    };
  }
}
